// Long computations as generators: a step at a time, each yielding how far they are, so that whoever calls can do other things between.

/** The same steps, each yielding what `done` makes of what it yields. */
export function* told<T>(steps: Generator<number, T>, done: (own: number) => number): Generator<number, T> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    yield done(step.value);
  }
}

/** Runs a computation of many steps to its end. */
export function finished<T>(steps: Generator<unknown, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
