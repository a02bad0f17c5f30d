// All that a run has told, kept by the engine for whoever joins late and by whoever has joined.
import type { TrainEvent, TrainSnapshot } from '../../protocol/messages';

export const EMPTY_SNAPSHOT: Omit<TrainSnapshot, 'pid'> = { activity: 'preparing', messages: [], features: null, points: null };

export function withEvent(snapshot: TrainSnapshot, event: TrainEvent): TrainSnapshot {
  switch (event.kind) {
    case 'activity':
      return { ...snapshot, activity: event.activity };
    case 'features':
      return { ...snapshot, features: event };
    case 'stage':
    case 'warning':
      return { ...snapshot, messages: [...snapshot.messages, event] };
    case 'points':
      return { ...snapshot, features: null, points: { ...event, points: [...(snapshot.points?.points ?? []), ...event.points] } };
  }
}
