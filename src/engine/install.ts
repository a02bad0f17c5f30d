// The requests `install` and `remove`: what can be added to Labelscope on request, and taken away again.
import type { Installable, InstallParams, InstallProgress, InstallResult, RemoveResult } from '../protocol/install';
import type { Context } from './context';
import { installCuda, removeCuda } from './cuda';
import { installTensorFlow, removeTensorFlow } from './tensorflow';

/**
 * Adds it. What was there stays until the new one is whole.
 *
 * @throws LabelscopeError 'install-unsupported', 'install-missing', 'install-failed', 'write-failed', 'cancelled'
 */
export function install(
  { what, from }: InstallParams,
  { signal }: Context,
  emit: (progress: InstallProgress) => void,
): Promise<InstallResult> {
  return what === 'cuda' ? installCuda(from, signal, emit) : installTensorFlow(what, signal, emit);
}

export function remove({ what }: { readonly what: Installable }): Promise<RemoveResult> {
  return what === 'cuda' ? removeCuda() : removeTensorFlow();
}
