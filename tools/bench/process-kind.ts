// gateway-2 is one of the gateways.

export const kindOf = (name: string): string => name.replace(/-\d+$/, '');

/** Of all processes of a kind. */
export function sumByKind(values: Readonly<Record<string, number>>): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [name, value] of Object.entries(values)) sums[kindOf(name)] = (sums[kindOf(name)] ?? 0) + value;
  return sums;
}
