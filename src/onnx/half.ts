// float32 to float16 bits (IEEE 754 binary16, round to nearest, ties to even) and back, over whole arrays.

/** The largest finite float16; from 65520 on rounding gives infinity. */
export const HALF_MAX = 65504;

const INFINITY_BITS = 0x7f80_0000;
/** 2^16: everything from here to infinity overflows. */
const OVERFLOW_BITS = (127 + 16) << 23;
/** 2^-14: below it float16 is subnormal. */
const SUBNORMAL_BITS = (127 - 14) << 23;
const HALF_BITS = 126 << 23;

/** Moves the exponent's bias from 127 to 15 and adds just under half of what the 13 dropped bits can hold. */
const REBIAS_AND_ROUND = ((15 - 127) << 23) + 0xfff;

/** The float16 bits of each value, in the same order. A NaN stays one, with the part of its payload that fits. */
export function toHalf(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  const scratch = new Float32Array(1);
  const scratchBits = new Uint32Array(scratch.buffer);
  for (let index = 0; index < halves.length; index++) {
    const word = bits[index]!;
    const sign = (word >>> 16) & 0x8000;
    const size = word & 0x7fff_ffff;
    let half: number;
    if (size >= OVERFLOW_BITS) {
      half = size > INFINITY_BITS ? nanBits(size) : 0x7c00;
    } else if (size < SUBNORMAL_BITS) {
      // Added to 0.5, a float32 keeps exactly the bits of a float16 subnormal (steps of 2^-24), rounded as they must be.
      scratch[0] = Math.abs(values[index]!) + 0.5;
      half = scratchBits[0]! - HALF_BITS;
    } else {
      half = (size + REBIAS_AND_ROUND + ((size >>> 13) & 1)) >>> 13;
    }
    halves[index] = sign | half;
  }
  return halves;
}

/** A payload of which nothing is left would make the NaN an infinity. */
const nanBits = (size: number): number => 0x7c00 | ((size >>> 13) & 0x3ff || 0x200);

/** The float32 of each float16's bits: exact. */
export function fromHalf(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length);
  const bits = new Uint32Array(values.buffer);
  const known = (table ??= Uint32Array.from({ length: 0x1_0000 }, (_, half) => floatBits(half)));
  for (let index = 0; index < halves.length; index++) bits[index] = known[halves[index]!]!;
  return values;
}

/** The float32 bits of every float16, made on first use. */
let table: Uint32Array | undefined;

function floatBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return (sign | INFINITY_BITS | (fraction << 13)) >>> 0;
  if (exponent > 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0;
  const subnormal = new Uint32Array(Float32Array.of(fraction * 2 ** -24).buffer);
  return (sign | subnormal[0]!) >>> 0;
}
