// All scenarios, in the order of `all`.
import type { Scenario } from '../scenario.ts';
import { connections } from './connections.ts';
import { dm, dmJson, dmLatency, dmSync } from './direct.ts';
import { group, groupOffline } from './group.ts';
import { historyKills } from './history-kills.ts';
import { historyOutage } from './history-outage.ts';
import { ingest } from './ingest.ts';
import { largeGroup } from './large-group.ts';
import { recovery } from './recovery.ts';
import { scaling } from './scaling.ts';
import { search } from './search.ts';
import { sustained } from './sustained.ts';
import { sync } from './sync.ts';
import { words } from './words.ts';

export const scenarios: readonly Scenario[] = [
  dm,
  dmSync,
  dmLatency,
  dmJson,
  group,
  groupOffline,
  largeGroup,
  connections,
  sync,
  recovery,
  search,
  ingest,
  historyKills,
  historyOutage,
  scaling,
  sustained,
  words,
];
