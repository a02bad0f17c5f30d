// The window's line to its host: data and events come in, calls go out and are answered.
import { LabelscopeError, type WireError } from '../../src/protocol/errors';
import type { FromWindow, ToWindow, WindowCalls, WindowData, WindowEvent, WindowName } from '../../src/protocol/windows';
import { useStrings } from './l10n';

type Params<W extends WindowName, C extends keyof WindowCalls<W>> = WindowCalls<W>[C] extends { readonly params: infer P }
  ? P
  : never;
type Result<W extends WindowName, C extends keyof WindowCalls<W>> = WindowCalls<W>[C] extends { readonly result: infer R }
  ? R
  : never;

/** What a window needs of the world around it: the editor, or the page of a report. */
export interface Host<W extends WindowName> {
  /** False on the page of a report: there are no commands there. */
  readonly isEditor: boolean;
  /** Hears all data at first and whenever it is sent anew, then events. */
  listen(onData: (data: WindowData<W>) => void, onEvent?: (event: WindowEvent<W>) => void): void;
  /** @throws LabelscopeError with the host's code and words */
  call<C extends keyof WindowCalls<W> & string>(call: C, params: Params<W, C>): Promise<Result<W, C>>;
  /** What the window has kept of itself (a slider's place, a chosen category); undefined at first. */
  readonly kept: Readonly<Record<string, unknown>> | undefined;
  keep(state: Readonly<Record<string, unknown>>): void;
}

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): { readonly resource?: string; readonly view?: Readonly<Record<string, unknown>> } | undefined;
  setState(state: { readonly resource: string | undefined; readonly view: Readonly<Record<string, unknown>> | undefined }): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

/** The editor as the host. To be called once a window. */
export function editorHost<W extends WindowName>(): Host<W> {
  const api = acquireVsCodeApi();
  const calls = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  let resource = api.getState()?.resource;
  let view = api.getState()?.view;
  let ids = 0;
  const post = (message: FromWindow<W>) => api.postMessage(message);
  const settle = (id: number, end: { result: unknown } | { error: WireError }) => {
    const call = calls.get(id);
    calls.delete(id);
    if ('error' in end) call?.reject(new LabelscopeError(end.error.code, end.error.message));
    else call?.resolve(end.result as never);
  };
  return {
    isEditor: true,
    get kept() {
      return view;
    },
    keep: (state) => {
      view = state;
      api.setState({ resource, view });
    },
    listen: (onData, onEvent) => {
      window.addEventListener('message', ({ data: message }: MessageEvent<ToWindow<W>>) => {
        if (message.kind === 'data') {
          useStrings(message.strings);
          // A window that is restored after a restart is told apart by its resource.
          resource = message.resource;
          api.setState({ resource, view });
          onData(message.data);
        } else if (message.kind === 'event') onEvent?.(message.event);
        else settle(message.id, message.kind === 'result' ? { result: message.result } : { error: message.error });
      });
      post({ kind: 'ready' });
    },
    call: (call, params) =>
      new Promise((resolve, reject) => {
        const id = ++ids;
        calls.set(id, { resolve, reject });
        post({ kind: 'call', id, call, params } as unknown as FromWindow<W>);
      }),
  };
}
