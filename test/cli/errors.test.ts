// What goes wrong on the command line: one or two plain lines on stderr that name the file and what to do, and the exit status.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, plainLines, runCli } from '../support/cli';
import { type TinyData, writeTinyData } from '../support/data';
import { startEngine, trainParams, UNBUILT, writeTinyBackbone } from '../support/engine';

let folder: string;
let data: TinyData;

const FILES: Readonly<Record<string, string>> = {
  'text.txt': 'just text',
  'cut.json': '{"images": [{"id": 1, "file_name": "a.jpg"',
  'empty.json': '',
  'alone.json':
    '{"images":[{"id":1,"file_name":"gone.jpg"}],"annotations":[{"id":1,"image_id":1,"category_id":1}],"categories":[{"id":1,"name":"x"}]}',
  'short.csv': 'file_name,red square,green disc,blue stripe\nval-000.png,0.1,0.2,0.3\n',
  'wild.csv': 'file_name,red square,green disc,blue stripe\nval-000.png,0.1,0.2,1.3\n',
  'yes.csv': 'image,category,decision\ntrain-000.png,red square,accept\n',
  'picture.png': 'no picture',
};

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'errors-'));
  data = await writeTinyData(folder);
  await writeTinyBackbone(join(folder, 'tiny.onnx'));
  for (const [name, text] of Object.entries(FILES)) await writeFile(join(folder, name), text);
  const engine = startEngine();
  const settings = { set: { epochs: '1', batchSize: '8' } };
  await engine.request('train', trainParams(data.train, join(folder, 'tiny.onnx'), join(folder, 'run'), settings));
  await engine.stop();
  await mkdir(join(folder, 'newer'));
  const record = await readFile(join(folder, 'run', 'run.json'), 'utf8');
  await writeFile(join(folder, 'newer', 'run.json'), record.replace('"format": 2', '"format": 3'));
});
afterAll(() => (UNBUILT ? undefined : rm(folder, { recursive: true, force: true })));

/** `$T` and `$V` stand for the annotation files of training and validation, `%` for a space. */
function cli(line: string): Promise<CliResult> {
  const args = line.split(' ').map((word) => word.replace('$T', data.train).replace('$V', data.validation).replace('%', ' '));
  return runCli(args, { cwd: folder });
}

const TRAIN = 'train $T --device cpu --backbone tiny.onnx';

/** Command, and what stderr has to name. */
const FAILURES: readonly (readonly [string, RegExp])[] = [
  ['inspect gone.json', /gone\.json/],
  ['inspect text.txt', /text\.txt/],
  ['inspect cut.json', /cut\.json.* line 1, column /],
  ['inspect empty.json', /empty\.json.* empty/],
  ['inspect $T --categories purple', /no category "purple"/],
  ['inspect $T --images gone', /There is no image folder .*gone/],
  ['inspect $T --validation gone.json', /gone\.json/],
  ['split gone.json --out parts', /gone\.json/],
  ['split $T --out parts --folds 30', /24 images, too few for 30 parts/],
  ['split $T --out text.txt/x', /text\.txt/],
  ['train gone.json', /gone\.json/],
  ['train alone.json --device cpu', /gone\.jpg.*--images/],
  [`${TRAIN} --run run`, /run already holds a run.*--resume/],
  [`${TRAIN} --run nowhere --resume`, /nowhere is no run folder/],
  [`${TRAIN} --run newer --resume`, /format 3.*Update Labelscope/],
  [`${TRAIN} --run text.txt/run`, /text\.txt.run could not be made: a file is in its way \(EEXIST\)\. Choose another place\./],
  [`${TRAIN} --images gone`, /no image folder .*gone/],
  [`${TRAIN} --categories red%square,purple`, /no category "purple"/],
  [`${TRAIN} --set epoch=3`, /no setting 'epoch'.*epochs/],
  [`${TRAIN} --set epochs=0`, /setting epochs cannot be '0': it is a whole number from 1/],
  [`${TRAIN} --set reflection=maybe`, /setting reflection cannot be 'maybe': it is true or false/],
  [`${TRAIN} --set layers=few`, /setting layers cannot be 'few'/],
  ['train $T --device cpu --backbone gone.onnx', /gone\.onnx.*--backbone/],
  ['train $T --device cpu --backbone text.txt --run wrong', /text\.txt/],
  ['train $T --device cuda --backbone tiny.onnx', /device cuda cannot be used.*CUDA.*--device/],
  ['evaluate nowhere --device cpu', /no run folder or model file .*nowhere/],
  ['evaluate tiny.onnx $V --device cpu', /tiny\.onnx is no model that Labelscope trained/],
  ['evaluate --predictions short.csv $V', /short\.csv has no row for 8 of 9 images.*val-001/],
  ['evaluate --predictions wild.csv $V', /wild\.csv, .*val-000\.png.*"blue stripe" is 1\.3/],
  ['evaluate --predictions gone.csv $V', /gone\.csv/],
  ['predict run nowhere.jpg --device cpu', /no image or folder .*nowhere\.jpg/],
  ['predict text.txt val2017 --device cpu', /text\.txt/],
  ['predict run picture.png --device cpu', /picture\.png cannot be read as an image/],
  ['explain run val2017 --category purple --device cpu', /no category 'purple'.*red square/],
  ['export run --out nowhere/x.onnx', /nowhere\/x\.onnx could not be written: there is no such folder \(ENOENT\)\. Make it/],
  ['report run --out nowhere/r.html', /nowhere\/r\.html could not be written: there is no such folder \(ENOENT\)\. Make it/],
  ['import tiny.onnx --out val2017', /val2017 is not empty \(val-000\.png is in it\).*Name a new or an empty folder/],
  ['sample text.txt/x', /text\.txt/],
  ['review $T --decisions run --out new.json', /decisions .*run cannot be read: it is a folder \(EISDIR\)\. Name a file\./],
  [
    'review $T --decisions yes.csv --out nowhere/new.json',
    /nowhere\/new\.json cannot be written: there is no such folder \(ENOENT\)/,
  ],
  ['review $T --decisions gone.json --out new.json', /There is no file .*gone\.json\. Check the path of the decisions/],
  ['failures tiny.onnx', /tiny\.onnx is no run folder but a file.*labelscope import/],
  ['compare run tiny.onnx', /tiny\.onnx is no run folder but a file.*labelscope import/],
  ['report tiny.onnx --out page.html', /tiny\.onnx is no run folder but a file.*labelscope import/],
  ['compare run nowhere', /nowhere is no run folder: it is not there/],
  ['doctor --device cuda', /device cuda cannot be used/],
];

/** Where its provider is installed, CUDA may be there. */
const CUDA = existsSync(
  join('node_modules/onnxruntime-node/bin/napi-v6', process.platform, process.arch, 'libonnxruntime_providers_cuda.so'),
);

const WRONG_USAGE: readonly (readonly [string, RegExp])[] = [
  ['frobnicate', /no verb 'frobnicate'.*inspect, train/],
  ['constructor', /no verb 'constructor'/],
  ['train', /Usage: labelscope train ANNOTATIONS/],
  ['train $T more', /Usage: labelscope train ANNOTATIONS/],
  ['train $T --frobnicate', /--frobnicate/],
  ['train $T --recipe slow', /--recipe is one of matlab-example, balanced, quick, best, not 'slow'/],
  ['train $T --device tpu', /--device is one of auto, cpu, webgpu, cuda, not 'tpu'/],
  ['train $T --seed -1', /--seed takes a whole number from 0 to \d+, not '-1'/],
  ['evaluate run --bootstrap -1', /--bootstrap takes a whole number from 0 to 1000000, not '-1'/],
  ['evaluate run --threshold -.5', /--threshold takes a number from 0 to 1, not '-\.5'/],
  ['evaluate run --seed --json', /--seed.*See labelscope evaluate --help/],
  ['train $T --seed 1.5', /--seed takes a whole number/],
  ['train $T --set epochs', /--set takes KEY=VALUE, not 'epochs'/],
  ['train $T --validation $V --validation-share', /--validation FILE and --validation-share exclude each other/],
  ['train $T --resume', /--resume needs --run/],
  ['train $T --run run --resume --recipe quick', /run was begun with --recipe matlab-example.*leave out --recipe/],
  ['train $T --run run --resume --seed 5', /run was begun with --seed 3.*leave out --seed/],
  ['train $T --run run --resume --categories x', /run was begun with --categories .*leave out --categories/],
  ['inspect $T --check-images all', /--check-images is one of none, headers, pixels, auto, not 'all'/],
  ['split $T', /split needs --out DIR/],
  ['split $T --out parts --folds 1', /--folds takes a whole number from 2/],
  ['split $T --out parts --folds 3 --fraction 0.5', /--fraction or --folds, not both/],
  ['evaluate', /Usage: labelscope evaluate/],
  ['evaluate run --threshold 1.5', /--threshold takes a number from 0 to 1, not '1\.5'/],
  ['evaluate --predictions short.csv $V more', /--predictions/],
  ['predict run', /Usage: labelscope predict/],
  ['explain run a.png --colormap rainbow', /--colormap is one of jet/],
  ['explain run a.png --opacity much', /--opacity takes a number from 0 to 1, not 'much'/],
  ['export run', /--out FILE\.onnx/],
  ['sample x --images 0', /--images takes a whole number from 1/],
];

describe.skipIf(UNBUILT)(`an error on the command line${UNBUILT}`, () => {
  it.each(FAILURES.filter(([line]) => !line.includes('cuda') || !CUDA))('labelscope %s: exit status 1', async (line, words) => {
    const result = await cli(`${line} --json`);
    expect({
      status: result.status,
      stdout: line.startsWith('predict run picture') ? '' : result.stdout,
      said: result.stderr,
    }).toEqual({
      status: 1,
      stdout: '',
      said: expect.stringMatching(words) as string,
    });
    expectPlain(result);
  });

  it.each(WRONG_USAGE)('labelscope %s: exit status 2', async (line, words) => {
    const result = await cli(line);
    expect([result.status, result.stdout]).toEqual([2, '']);
    expect(plainLines(result).join(' ')).toMatch(words);
    expectPlain(result);
  });

  it.each(['--backbone text.txt', '--backbone gone.onnx', '--set epochs=0', '--images gone', '--categories purple'])(
    'labelscope train %s leaves no folder behind',
    async (mistake) => {
      const run = join(folder, 'mistaken');
      expect((await cli(`train $T --device cpu --backbone tiny.onnx --run mistaken ${mistake}`)).status).toBe(1);
      expect(existsSync(run)).toBe(false);
    },
  );

  const LIMITED: readonly (readonly [string, RegExp])[] = [
    ['split $T --out parts', /parts\/\S+\.json cannot be written: files may not be so large here \(EFBIG\)\. Raise the limit/],
    ['import run/model.onnx --out large', /large\/model\.onnx could not be written: files may not be so large here \(EFBIG\)/],
  ];

  it.skipIf(process.platform === 'win32').each(LIMITED)(
    'labelscope %s: names the file, and leaves nothing',
    async (line, words) => {
      const before = await readdir(folder);
      const shell = `ulimit -f 1; exec "$0" "$@"`;
      const args = [process.execPath, join(process.cwd(), 'dist', 'cli.js'), ...line.replace('$T', data.train).split(' ')];
      const { status, stderr } = spawnSync('bash', ['-c', shell, ...args], { cwd: folder, encoding: 'utf8' });
      expect(status).toBe(1);
      expect(stderr).toMatch(words);
      expect(stderr).not.toContain('.tmp');
      const after = await readdir(folder, { recursive: true });
      expect(after.filter((name) => name.endsWith('.tmp'))).toEqual([]);
      expect((await readdir(folder)).filter((name) => name !== 'parts')).toEqual(before.filter((name) => name !== 'parts'));
    },
  );

  it('shows the help and exits with 2 where no verb is given', async () => {
    const { status, stdout } = await runCli([]);
    expect(status).toBe(2);
    expect(stdout).toContain('labelscope VERB');
  });

  /** No stack trace, no internal words, and of lines that tell an error at most two. */
  function expectPlain(result: CliResult): void {
    expect(result.stderr).not.toMatch(/^\s+at |Error:|undefined|\[object|did not expect/m);
    const said = plainLines(result).filter(
      (line) => !/image folder: |Image folder: |^Device: |^No image folder was found/.test(line),
    );
    expect(said.length).toBeGreaterThan(0);
    expect(said.length).toBeLessThanOrEqual(2);
  }

  it('takes colours and cursor movements out of names of strangers', async () => {
    const text = await readFile(data.train, 'utf8');
    await writeFile(join(folder, 'evil.json'), text.replace('red square', '\\u001b[31mred\\u0007 square'));
    const { stdout, stderr } = await cli('inspect evil.json --images train2017');
    expect(stdout + stderr).not.toMatch(/[\x07\x1b]/);
    expect(stdout).toContain('square');
  });
});
