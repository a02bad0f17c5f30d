// What all tests of a window have in common: a picture of each that failed, and nothing left behind in the end.
import { rm } from 'node:fs/promises';
import { afterAll, afterEach } from 'vitest';
import { keepPicture, type Person } from './person';

interface Visit {
  readonly folder: string;
  readonly person: Person | undefined;
}

/** For a describe whose `beforeAll` makes the folder and opens it. */
export function tidyAfter(visit: () => Visit): void {
  afterEach(async (context) => {
    const { person } = visit();
    if (person) await keepPicture(person, context);
  });
  afterAll(async () => {
    const { folder, person } = visit();
    await person?.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });
}
