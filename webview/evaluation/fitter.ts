// Fits that are awaited: each in a worker of its own, the last one of each kind kept. A choice that changes ends the work for the one before.
import { answerOf, type Fit, type Fits, type FitTask } from './fits';

export interface Fitter {
  /** Undefined as long as it is awaited: then the window is drawn again when it is there. */
  readonly ask: <K extends keyof Fits>(task: FitTask<K>) => Fit<K> | undefined;
  /** How many answers have come: what is drawn of them is to be drawn anew when it rises. */
  readonly answers: () => number;
  /** Ends all work. */
  readonly stop: () => void;
}

interface Asked {
  readonly task: FitTask;
  readonly key: string;
  answer?: Fit<keyof Fits>;
  stop: () => void;
}

export function fitterOf(soon: () => void): Fitter {
  const asked = new Map<keyof Fits, Asked>();
  let answers = 0;
  return {
    ask: <K extends keyof Fits>(task: FitTask<K>) => {
      const key = JSON.stringify(task.params);
      const known = asked.get(task.kind);
      if (known?.task.set === task.set && known.key === key) return known.answer;
      known?.stop();
      const next: Asked = { task, key, stop: () => undefined };
      asked.set(task.kind, next);
      next.stop = compute(task, (answer) => {
        next.answer = answer;
        answers++;
        soon();
      });
      return undefined;
    },
    answers: () => answers,
    stop: () => {
      for (const { stop } of asked.values()) stop();
      asked.clear();
    },
  };
}

/** @returns what ends it: nothing is told any more then */
function compute(task: FitTask, tell: (answer: Fit<keyof Fits>) => void): () => void {
  const worker = startWorker();
  if (!worker) return computeHere(task, tell);
  let end = () => worker.terminate();
  worker.onmessage = ({ data }: MessageEvent<Fit<keyof Fits>>) => {
    worker.terminate();
    tell(data);
  };
  // Where a policy or a browser does not let it run.
  worker.onerror = () => {
    worker.terminate();
    end = computeHere(task, tell);
  };
  worker.postMessage(task);
  return () => end();
}

/** On the window's own thread, after what is awaited is said. */
function computeHere(task: FitTask, tell: (answer: Fit<keyof Fits>) => void): () => void {
  const timer = setTimeout(() => tell(answerOf(task)), 50);
  return () => clearTimeout(timer);
}

/** Undefined where the page has no script for it, or the browser makes none. */
function startWorker(): Worker | undefined {
  const script = document.querySelector('#fitting-worker')?.textContent;
  if (!script) return undefined;
  workerUrl ??= URL.createObjectURL(new Blob([JSON.parse(script) as string], { type: 'text/javascript' }));
  try {
    return new Worker(workerUrl);
  } catch {
    return undefined;
  }
}

/** As long as the page is there. */
let workerUrl: string | undefined;
