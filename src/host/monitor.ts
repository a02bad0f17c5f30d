// One training run as people watch it: joined while it is at work, read from its folder when it is not.
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { readEvaluationResult, readRecord, readRun } from '../engine/client/folder';
import { joinRun, type JoinedRun } from '../engine/client/run';
import type { HistoryPoint, TrainControl, TrainEnd, TrainEvent, TrainSnapshot } from '../protocol/messages';
import type { RunRecord } from '../protocol/run';
import type { RunStatus, TrainingData, TrainingEvent } from '../protocol/windows';
import type { Closable } from './closable';
import { wordsOf } from './problems';

export interface RunMonitor extends Closable {
  readonly data: TrainingData;
  /** A change, or 'all' where everything is new. */
  readonly onDidChange: vscode.Event<TrainingEvent | 'all'>;
  /** Looks at the folder, and joins the run where it is at work. */
  refresh(): Promise<void>;
  /** Waits until the run can be joined: it was just started. Ends without where `ended` comes first. */
  begin(ended: Promise<unknown>): Promise<void>;
  control(action: TrainControl): Promise<void>;
}

const LIVE: readonly RunStatus[] = ['preparing', 'training', 'paused', 'stopping'];
const JOIN_INTERVAL_MS = 100;

export function isLive(status: RunStatus): boolean {
  return LIVE.includes(status);
}

export function runMonitor(folder: string): RunMonitor {
  const changed = new vscode.EventEmitter<TrainingEvent | 'all'>();
  let data: TrainingData = empty(folder);
  let joined: JoinedRun | undefined;
  let refreshing: Promise<void> | undefined;
  const change = (event: TrainingEvent) => {
    data = merged(data, event);
    changed.fire(event);
  };
  const ended = async (end: TrainEnd | undefined) => {
    joined = undefined;
    await look();
    if (end && 'error' in end) change({ error: wordsOf(end.error), ...(data.record === null && { status: 'failed' }) });
  };
  const learnRecord = async () => {
    const record = await readRecord(folder).catch(() => undefined);
    if (record && data.record === null) change({ record, ...(record.name !== undefined && { name: record.name }) });
  };
  const look = async () => {
    const listener = {
      onEvent: (event: TrainEvent) => {
        change(changeOf(data, event));
        // The record is written while the run prepares: whoever joined before has not seen it.
        if (data.record === null && event.kind !== 'features') void learnRecord();
      },
      onEnd: (end: TrainEnd) => void ended(end),
      onGone: () => void ended(undefined),
    };
    // Joining comes before reading: a run that ends in between has written its record by then.
    const run = await joinRun(folder, listener);
    joined = run;
    const read = await readRun(folder).catch(() => undefined);
    const microF1 = (await readEvaluationResult(folder).catch(() => undefined))?.evaluation.micro.f1 ?? null;
    // Events that came meanwhile are part of what is told now: nothing waits between these lines.
    const stored: TrainingEvent = read ? storedChange(read.record, read.history) : {};
    const live = run ? snapshotChange(run.snapshot()) : {};
    data = merged({ ...empty(folder), messages: data.messages, status: data.status }, { ...stored, ...live, microF1 });
    changed.fire('all');
  };
  const refresh = () => {
    if (joined) return Promise.resolve();
    refreshing ??= look().finally(() => (refreshing = undefined));
    return refreshing;
  };
  return {
    get data() {
      return data;
    },
    onDidChange: changed.event,
    refresh,
    begin: async (end) => {
      change({ status: 'preparing', error: null });
      await untilJoined(refresh, () => joined !== undefined, end);
    },
    control: async (action) => joined?.control(action),
    dispose: () => {
      joined?.leave();
      changed.dispose();
    },
  };
}

/** Tries again and again: a process that was just started does not listen yet. Ends when the run has ended before. */
async function untilJoined(refresh: () => Promise<void>, isJoined: () => boolean, end: Promise<unknown>): Promise<void> {
  let over = false;
  const settled = () => (over = true);
  end.then(settled, settled);
  while (!isJoined() && !over) {
    await refresh();
    if (!isJoined()) await new Promise((resolve) => setTimeout(resolve, JOIN_INTERVAL_MS));
  }
}

function empty(folder: string): TrainingData {
  return {
    run: folder,
    name: basename(folder),
    status: 'interrupted',
    record: null,
    messages: [],
    features: null,
    points: [],
    totalIterations: 0,
    imagesPerSecond: 0,
    idleShare: null,
    secondsLeft: 0,
    microF1: null,
    error: null,
  };
}

/** Points of a change are those that were added; everything else replaces. */
function merged(data: TrainingData, event: TrainingEvent): TrainingData {
  return { ...data, ...event, points: event.points ? [...data.points, ...event.points] : data.points };
}

/** A run that says it is running, and that nobody answers for, was cut off. */
function statusOf({ state }: RunRecord): RunStatus {
  return state === 'running' ? 'interrupted' : state;
}

function storedChange(record: RunRecord, points: readonly HistoryPoint[]): TrainingEvent {
  const { name, error, errorCode = '', result } = record;
  return {
    record,
    status: statusOf(record),
    points,
    error: error === undefined ? null : wordsOf({ code: errorCode, message: error }),
    ...(name !== undefined && { name }),
    ...(result && {
      totalIterations: result.iterations,
      imagesPerSecond: result.imagesPerSecond,
      idleShare: result.idleShare ?? null,
    }),
  };
}

function snapshotChange({ activity, messages, features, points }: TrainSnapshot): TrainingEvent {
  return {
    status: activity,
    error: null,
    messages: messages.map(messageOf),
    features,
    ...(points && pointsChange(points)),
  };
}

function changeOf({ messages }: TrainingData, event: TrainEvent): TrainingEvent {
  switch (event.kind) {
    case 'activity':
      return { status: event.activity };
    case 'features':
      return { features: event };
    case 'points':
      return { features: null, ...pointsChange(event) };
    case 'stage':
    case 'warning':
      return { messages: [...messages, messageOf(event)] };
  }
}

function pointsChange(event: Extract<TrainEvent, { kind: 'points' }>): TrainingEvent {
  const { points, totalIterations, imagesPerSecond, idleShare, secondsLeft } = event;
  return { points, totalIterations, imagesPerSecond, idleShare, secondsLeft };
}

function messageOf({ kind, message }: Extract<TrainEvent, { kind: 'stage' | 'warning' }>): TrainingData['messages'][number] {
  return { level: kind === 'warning' ? 'warning' : 'info', text: message };
}
