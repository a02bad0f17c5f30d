// Lint rules: TypeScript's strict set, and the import rules between the rooms (docs/architecture.md), each with its reason.
import tseslint from 'typescript-eslint';

/** Forbids a room to import what the pattern matches, and says why. */
const never = (regex, message) => ({ regex, message });

const vscode = never('^vscode$', 'Only src/host knows VS Code: everything else also runs on the command line.');
const engine = never('(^|/)engine(/|$)', 'The engine lives in a child process; talk to it through engine/client.');
const engineButClient = never(
  '(^|/)engine/(?!client(/|$))',
  'The engine lives in a child process; talk to it through engine/client.',
);
const node = never(
  '^(node:|sharp$|onnxruntime-node$)',
  'This room is pure: it runs in the engine, in the host and in a webview.',
);
const native = never('^(sharp|onnxruntime-node)$', 'Native libraries can crash a process: only the engine loads them.');
const rooms = (names) =>
  names.map((name) =>
    never(`^\\.\\./(?:\\.\\./)*${name}(/|$)`, `This room may not import ${name}: data flows one way (docs/architecture.md).`),
  );

/** A panel never imports another; a report is made of several. */
const PANELS = ['dataset', 'training', 'evaluation', 'image', 'labels', 'review', 'compare'];

const room = (files, patterns, ignores = []) => ({
  files,
  ignores,
  rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
});

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'sample/', 'labelscope-runs/', 'bench/peers/.venv/'] },
  ...tseslint.configs.strictTypeChecked.map((config) => ({ ...config, files: ['**/*.ts'] })),
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': 'off',
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
    },
  },
  { files: ['test/**/*.ts', 'bench/**/*.ts'], rules: { 'max-lines-per-function': 'off' } },
  {
    // AssemblyScript: numbers have kinds there that TypeScript does not tell apart.
    files: ['src/dataset/assembly/*.ts'],
    rules: {
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
    },
  },
  room(['src/dataset/**/*.ts'], [vscode, native, engine, ...rooms(['onnx', 'protocol', 'cli', 'host'])]),
  room(['src/metrics/**/*.ts'], [vscode, node, engine, ...rooms(['dataset', 'onnx', 'protocol', 'cli', 'host'])]),
  room(
    ['src/onnx/**/*.ts'],
    [vscode, node, engine, ...rooms(['dataset', 'metrics', 'protocol', 'cli', 'host'])],
    ['src/onnx/files.ts'],
  ),
  room(['src/onnx/files.ts'], [vscode, native, engine, ...rooms(['dataset', 'metrics', 'protocol', 'cli', 'host'])]),
  room(['src/protocol/**/*.ts'], [vscode, node, engine, ...rooms(['onnx', 'cli', 'host'])]),
  room(['src/engine/**/*.ts'], [vscode, ...rooms(['cli', 'host'])]),
  room(['src/heatmap/**/*.ts'], [vscode, node, engine, ...rooms(['dataset', 'onnx', 'cli', 'host'])]),
  room(['src/host/**/*.ts'], [native, engineButClient, ...rooms(['onnx', 'cli', 'heatmap'])]),
  room(['src/editor/**/*.ts'], [vscode, native, engine, ...rooms(['cli', 'host', 'onnx', 'protocol'])]),
  room(['webview/kit/**/*.ts'], [vscode, node, engine, ...rooms(['src/(host|cli|onnx|dataset)', ...PANELS])]),
  ...PANELS.map((name) =>
    room(
      [`webview/${name}/**/*.ts`],
      [vscode, node, engine, ...rooms(['src/(host|cli|onnx|dataset)', ...PANELS.filter((other) => other !== name)])],
    ),
  ),
  room(['webview/report/**/*.ts'], [vscode, node, engine, ...rooms(['src/(host|cli|onnx|dataset)'])]),
  room(['src/cli/**/*.ts'], [vscode, native, engineButClient, ...rooms(['onnx', 'host'])]),
);
