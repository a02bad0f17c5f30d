// What assemblyscript.mjs makes, and the part of Node.js that runs it, whose types only browsers' libraries have.
declare module '*.wasm' {
  const binary: Uint8Array;
  export default binary;
}

declare namespace WebAssembly {
  const Module: new (binary: Uint8Array) => object;
  const Instance: new (module: object) => { readonly exports: unknown };
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  interface Global {
    readonly value: number;
  }
}
