// The text form of an entity address: map key in memory and key in the snapshot store.
import type { EntityAddress } from '@parley/std';

/** `user.acme.alice`: all parts are free of characters a key cannot carry; only the id may contain dots. */
export const entityKey = (type: string, tenant: string, id: string): string => `${type}.${tenant}.${id}`;

export function parseEntityKey(key: string): EntityAddress {
  const first = key.indexOf('.');
  const second = key.indexOf('.', first + 1);
  return { type: key.slice(0, first), tenant: key.slice(first + 1, second), id: key.slice(second + 1) };
}
