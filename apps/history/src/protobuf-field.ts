// Which member a stored protobuf message with one member has, without decoding it.

/** SQL for the number of the first field of `bytes`; numbers up to 2,047, 0 for no bytes. */
export function protobufFieldSql(bytes: string): string {
  const first = `reinterpretAsUInt8(substring(${bytes}, 1, 1))`;
  const second = `reinterpretAsUInt8(substring(${bytes}, 2, 1))`;
  return `if(${first} < 128, bitShiftRight(${first}, 3), bitShiftRight(${first} - 128 + toUInt32(${second}) * 128, 3))`;
}
