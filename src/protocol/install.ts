// What can be added to Labelscope after its installation, on request: it is too large, or of use to too few, to be shipped.

/** `cuda`: ONNX Runtime's CUDA provider; the others: TensorFlow.js for the engine `tensorflow`, on the CPU or for NVIDIA cards. */
export type Installable = 'cuda' | TensorFlowVariant;

export type TensorFlowVariant = 'tensorflow' | 'tensorflow-gpu';

export interface InstallParams {
  readonly what: Installable;
  /** CUDA alone: a folder that holds the provider's libraries; without it ONNX Runtime's own installer fetches them. */
  readonly from?: string;
}

export interface InstallProgress {
  readonly stage: 'fetching' | 'unpacking' | 'building' | 'checking';
  /** Of what arrived so far. */
  readonly bytes: number;
  /** About how many there will be, while something arrives whose size is known. */
  readonly total?: number;
}

export interface InstalledFile {
  readonly name: string;
  readonly bytes: number;
  /** Of the content, as it was installed. */
  readonly sha256: string;
}

/** A package as its feed sent it. */
export interface FetchedPackage {
  readonly url: string;
  readonly bytes: number;
  readonly sha512: string;
  /** Whether the feed lists this checksum for it; false: it listed none that could be had. Where it lists another one nothing is installed. */
  readonly listed: boolean;
}

/** For the log and the command line. */
export function fetchedInWords({ url, bytes, sha512, listed }: FetchedPackage): string {
  const compared = listed ? 'as its feed lists it' : 'not compared: its feed lists no checksum that could be had';
  return `Fetched ${url}, ${(bytes / 1e6).toFixed(1)} MB, SHA-512 ${sha512} (${compared})`;
}

export interface InstallResult {
  readonly folder: string;
  readonly files: readonly InstalledFile[];
  /** CUDA alone: what ONNX Runtime's installer fetched. */
  readonly package?: FetchedPackage;
}

export interface RemoveResult {
  readonly folder: string;
  /** False where there was nothing to remove. */
  readonly removed: boolean;
}

export interface InstallRequests {
  readonly install: { params: InstallParams; result: InstallResult; progress: InstallProgress };
  readonly remove: { params: { readonly what: Installable }; result: RemoveResult; progress: never };
}

/** What `doctor` says of something that was added. */
export interface InstalledReport {
  readonly folder: string;
  /** Whether its files are still those that were installed, by their checksums. */
  readonly unchanged: boolean;
}
