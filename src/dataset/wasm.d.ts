// What assemblyscript.mjs makes, and the part of Node.js that runs it, whose types only browsers' libraries have.
declare module '*.wasm' {
  const binary: Uint8Array;
  export default binary;
}

declare namespace WebAssembly {
  class Module {
    constructor(binary: Uint8Array);
  }
  class Instance {
    readonly exports: unknown;
    constructor(module: Module);
  }
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  interface Global {
    readonly value: number;
  }
}
