// What is told of a training's speed: of the steps' time alone, whatever happens between them.
import { describe, expect, it } from 'vitest';
import { progressTeller } from '../../src/engine/train/progress';
import type { TrainEvent } from '../../src/protocol/messages';

describe('progressTeller', () => {
  const schedule = { batchSize: 8, perEpoch: 5, total: 10 };

  it('tells speed, time left and the share of waiting, as of all steps so far', async () => {
    const events: TrainEvent[] = [];
    const teller = progressTeller(
      schedule,
      (event) => events.push(event),
      () => Promise.resolve(),
    );
    teller.took({ whole: 300, waited: 100 });
    teller.took({ whole: 100, waited: 0 });
    teller.add({ iteration: 2, epoch: 1, loss: 1, learnRate: 0.1 });
    await teller.flush();
    expect(teller.idleShare()).toBe(0.25);
    expect(teller.speed()).toBe(40);
    expect(events).toMatchObject([{ kind: 'points', imagesPerSecond: 40, idleShare: 0.25, secondsLeft: 1.6 }]);
  });

  it('has neither before the first step', () => {
    const teller = progressTeller(
      schedule,
      () => undefined,
      () => Promise.resolve(),
    );
    expect([teller.speed(), teller.idleShare()]).toEqual([0, 0]);
  });
});
