/**
 * x86's 80-bit long double, in which Redis adds for INCRBYFLOAT and HINCRBYFLOAT: a mantissa of 64 bits, rounded half
 * to even after parsing and after the sum, and printed by "%.17Lf" without its trailing zeros.
 */
interface LongDouble {
  /** Signed, at most 64 bits. */
  mantissa: bigint;
  /** Of two. */
  exponent: number;
}

const BITS = 64;
const PRINTED = 17;

/** The sum of two decimal numbers as Redis answers it. Both match {@link DECIMAL}. */
export function addLongDoubles(a: string, b: string): string {
  const [x, y] = [parse(a), parse(b)];
  const exponent = Math.min(x.exponent, y.exponent);
  const aligned = ({ mantissa, exponent: own }: LongDouble) => mantissa << BigInt(own - exponent);
  return print(round(aligned(x) + aligned(y), exponent));
}

/** Groups: sign and whole digits, digits after the point, power of ten. */
export const DECIMAL = /^(?=[+-]?\.?\d)([+-]?\d*)\.?(\d*)(?:e([+-]?\d+))?$/i;

function parse(text: string): LongDouble {
  const [, whole = "", fraction = "", power = "0"] = DECIMAL.exec(text) ?? [];
  const digits = BigInt(`${whole}${fraction}`.replace(/^\+/, "").replace(/^-?$/, "$&0"));
  const ten = Number(power) - fraction.length;
  if (ten >= 0) return round(digits * 10n ** BigInt(ten), 0);
  // Enough bits that the quotient fills a mantissa twice; what is left over only has to be seen, below all of them.
  const divisor = 10n ** BigInt(-ten);
  const shift = 2 * BITS + divisor.toString(2).length;
  const scaled = digits << BigInt(shift);
  const quotient = (scaled / divisor) << 1n;
  const rest = scaled % divisor;
  return round(rest === 0n ? quotient : quotient + (rest > 0n ? 1n : -1n), -shift - 1);
}

function round(value: bigint, exponent: number): LongDouble {
  const excess = magnitude(value).toString(2).length - BITS;
  if (excess <= 0) return { mantissa: value, exponent };
  const mantissa = divideToEven(value, 1n << BigInt(excess));
  return { mantissa, exponent: exponent + excess };
}

function print({ mantissa, exponent }: LongDouble): string {
  const scaled = mantissa * 10n ** BigInt(PRINTED);
  const value = exponent >= 0 ? scaled << BigInt(exponent) : divideToEven(scaled, 1n << BigInt(-exponent));
  const digits = magnitude(value)
    .toString()
    .padStart(PRINTED + 1, "0");
  const text = `${digits.slice(0, -PRINTED)}.${digits.slice(-PRINTED)}`.replace(/\.?0+$/, "");
  return value < 0n ? `-${text}` : text;
}

const magnitude = (value: bigint) => (value < 0n ? -value : value);

function divideToEven(value: bigint, divisor: bigint): bigint {
  const [quotient, twice] = [magnitude(value) / divisor, (magnitude(value) % divisor) * 2n];
  const up = twice > divisor || (twice === divisor && quotient % 2n === 1n);
  const rounded = up ? quotient + 1n : quotient;
  return value < 0n ? -rounded : rounded;
}
