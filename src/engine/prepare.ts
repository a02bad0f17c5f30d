// The request `prepare`: opens a model before somebody waits for it.
import { OnnxError } from '../onnx/model';
import type { Params } from '../protocol/messages';
import type { Context } from './context';

/** Opens the model and makes the sessions of its labels and maps, where it has maps. @throws LabelscopeError as `predict` */
export async function prepare({ model, device: choice }: Params<'prepare'>, { models, device }: Context): Promise<null> {
  if (model === undefined) return null;
  return models.use(model, await device(choice), async ({ scoring, mapping }) => {
    await scoring();
    await mapping().catch((error: unknown) => {
      if (!(error instanceof OnnxError)) throw error;
    });
    return null;
  });
}
