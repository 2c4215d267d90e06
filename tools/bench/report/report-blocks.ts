// What a report says, from the top: surroundings, targets, an overview, each scenario.
import type { Floors } from '../floors.ts';
import type { Result } from '../result.ts';
import { verdict } from '../show-result.ts';
import { type Block, costsByKind, pairs } from './block.ts';
import { type Judged, coresOfOthers, judge } from './judged.ts';
import type { Notes } from './notes.ts';
import { shown } from './plot-frame.ts';
import { barPlot, stackedPlot, targetPlot } from './plots.ts';
import type { ScenarioRuns } from './results-file.ts';
import { scenarioBlocks } from './scenario-blocks.ts';

export function reportBlocks(runs: readonly ScenarioRuns[], notes: Notes): Block[] {
  const judged = judge(runs);
  const results = runs.flatMap((one) => one.results);
  return [
    { level: 1, title: 'Parley: bench report', text: surroundings(results) },
    ...others(results),
    ...targetBlocks(judged),
    ...overview(judged),
    ...judged.flatMap((one) => scenarioBlocks(one, notes.get(one.scenario.name) ?? [])),
  ];
}

function surroundings(results: readonly Result[]): string {
  const last = results.at(-1);
  if (last === undefined) return 'No runs.';
  const days = results
    .map(({ measured_at = '' }) => measured_at.slice(0, 10))
    .filter((day) => day !== '')
    .toSorted();
  const commits = [...new Set(results.map(({ commit = '?' }) => commit))];
  const { load_before: _, ...machine } = last.machine ?? {};
  const parts = [
    `Measured ${[...new Set([days[0], days.at(-1)])].join(' to ')}`,
    `commit ${commits.join(', ')}`,
    pairs(machine),
    pairs(last.versions),
  ];
  return `${parts.join(' · ')}. Load generator, NATS, Redis and history share the machine. Figures are medians of the runs; the least and the most stand beside them.`;
}

/** More than this of a core spoils a run. */
const othersMax = 0.2;

function others(results: readonly Result[]): Block[] {
  const disturbed = results.filter((result) => (coresOfOthers(result) ?? 0) > othersMax);
  if (disturbed.length === 0) return [];
  const most = Math.max(...disturbed.map((result) => coresOfOthers(result)!));
  return [
    {
      text: `In ${disturbed.length} of ${results.length} runs other programs worked on the machine meanwhile, up to ${shown(most)} cores of it: throughput and latency of those runs are worse than they would be, CPU for 1,000 messages is nearly right.`,
    },
  ];
}

function targetBlocks(judged: readonly Judged[]): Block[] {
  const rows = judged.flatMap(({ scenario, median, targets }) =>
    targets.map(({ what, wanted, got, spread = '', ...target }) => [
      scenario.name,
      what,
      wanted,
      got,
      spread,
      verdict(target),
      `${median.lost} / ${median.duplicated} / ${median.out_of_order}`,
    ]),
  );
  const reached = judged.flatMap(({ scenario, targets }) =>
    targets.flatMap((one) =>
      one.reached === undefined
        ? []
        : [
            {
              label: `${scenario.name}: ${one.what}`,
              reached: one.reached,
              note: one.got,
              isAim: one.isAim === true,
            },
          ],
    ),
  );
  const targets = judged.flatMap((one) => one.targets).filter(({ isAim }) => isAim !== true);
  const count = targets.filter(({ isMet }) => isMet).length;
  return [
    {
      level: 2,
      title: 'Targets',
      text: `${count} of ${targets.length} met. An aim is what to go for once its target is met.`,
      plots:
        reached.length === 0
          ? []
          : [
              {
                file: 'targets.svg',
                says: 'how far each target is reached',
                svg: targetPlot('How far each target is reached', reached),
              },
            ],
    },
    {
      table: {
        head: ['scenario', 'what', 'wanted', 'median', 'worst … best', '', 'lost / doubled / out of order'],
        rows,
      },
    },
  ];
}

function overview(judged: readonly Judged[]): Block[] {
  const medians = judged.map((one) => one.median);
  // Only where the load takes what it can get: elsewhere the rate is the load's own.
  const bars = judged.flatMap(({ scenario, median }) => {
    const name = scenario.figure?.name;
    const value = name === 'delivered_per_s' || name === 'deliveries_per_s' ? median[name] : undefined;
    return value === undefined ? [] : [{ label: scenario.name, value }];
  });
  const floors = medians.find((result) => result.floors?.jetstream_256 !== undefined)?.floors as
    Floors | undefined;
  const floorBars =
    floors === undefined
      ? []
      : [
          { label: 'JetStream, 256 in flight', value: floors.jetstream_256, isFloor: true },
          { label: 'uWebSockets echo', value: floors.uws_echo, isFloor: true },
          { label: 'uWebSockets fan-out', value: floors.uws_fanout, isFloor: true },
        ];
  const costs = medians.flatMap(({ scenario, cpu_s_per_1000 }) =>
    cpu_s_per_1000 === undefined || !scenario.startsWith('dm')
      ? []
      : [{ label: scenario, parts: costsByKind(cpu_s_per_1000) }],
  );
  if (bars.length === 0) return [];
  return [
    {
      level: 2,
      title: 'At a glance',
      plots: [
        {
          file: 'deliveries.svg',
          says: 'messages delivered a second',
          svg: barPlot('Messages delivered a second, and the floors (grey)', [...bars, ...floorBars], '/s'),
        },
        ...(costs.length === 0
          ? []
          : [
              {
                file: 'costs.svg',
                says: 'CPU for 1,000 direct messages',
                svg: stackedPlot('CPU for 1,000 direct messages, by process', costs, { unit: 'ms' }),
              },
            ]),
      ],
    },
  ];
}
