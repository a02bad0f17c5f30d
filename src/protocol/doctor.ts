// The request `doctor`: what this machine has, what would be used, and why.
import type { CountProgress, DoctorReport } from './messages';
import type { DeviceChoice } from './recipe';

/** How many of the devices and engines have been tried. */
export interface DoctorProgress extends CountProgress {
  /** What is being tried, by the names that people know. */
  readonly trying: readonly string[];
}

export interface DoctorRequests {
  readonly doctor: { params: { readonly device: DeviceChoice }; result: DoctorReport; progress: DoctorProgress };
}
