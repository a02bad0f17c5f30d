// labelscope doctor: what this machine has, what would be used, and why.
import { DEVICE, deviceOf, DONE, type Verb } from '../verb';

export const doctor: Verb = {
  spec: {
    positionals: '',
    count: [0, 0],
    help: 'What was found on this machine, what would be used, and why.',
    options: { device: DEVICE },
  },
  run: async (args, { io, engine, signal }) => {
    const report = await engine.request('doctor', { device: deviceOf(args) }, { signal });
    io.result(report, () => [
      `Labelscope    ${report.labelscope} (Node ${report.node}, ${report.platform})`,
      `Machine       ${report.cores} cores, ${report.memoryGiB.toFixed(1)} GiB of memory`,
      `ONNX Runtime  ${report.onnxRuntime}`,
      `sharp         ${report.sharp}`,
      `Backbone      ${report.backbone.path}${report.backbone.found ? '' : ' (missing)'}`,
      ...report.devices.map(({ device, available, reason }) => `${device.padEnd(12)}  ${available ? 'yes' : 'no '}  ${reason}`),
      `Chosen        ${report.chosen.device} with ${report.chosen.threads} threads`,
      `Step form     ${report.forms.form}: ${report.forms.reason}`,
      ...report.forms.verdicts.map(({ network, form, reason }) => `  checked     ${form}: ${network}: ${reason}`),
    ]);
    return DONE;
  },
};
