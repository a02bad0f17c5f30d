// The script of a worker, which makes one fit and is ended then.
import { answerOf, type FitTask } from './fits';

addEventListener('message', ({ data }: MessageEvent<FitTask>) => postMessage(answerOf(data)));
