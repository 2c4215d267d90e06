// Who may import whom. One direction: see "Layers" in ARCHITECTURE.md. `npm run check` fails on a breach.
// The project's own packages are seen by their folders (@parley/std is libs/std/src).

/** What each library may import besides itself. */
const libraries = {
  std: [],
  domain: ['std'],
  protocol: ['std', 'domain'],
  runtime: ['std'],
  adapters: ['std', 'runtime', 'protocol'],
  platform: ['std'],
  client: ['std', 'protocol'],
  hosting: ['std', 'domain', 'protocol', 'runtime', 'adapters', 'platform'],
  testing: ['std', 'domain', 'protocol', 'runtime', 'adapters', 'platform', 'client', 'hosting'],
};

const tests = '\\.(unit|int|sim|e2e)\\.spec\\.ts$';
const anyOf = (names) => `^libs/(${names.join('|')})/`;

const libraryRules = Object.entries(libraries).map(([name, allowed]) => ({
  name: `${name}-imports-only-${allowed.join('-') || 'nothing'}`,
  severity: 'error',
  comment: `libs/${name} may import ${allowed.join(', ') || 'no other library'}; never an app.`,
  // Specs beside the code may use the contract suites and servers of libs/testing.
  from: { path: `^libs/${name}/src/`, pathNot: tests },
  to: { path: '^(libs|apps|tools)/', pathNot: anyOf([name, ...allowed]) },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...libraryRules,
    {
      name: 'protocol-knows-domain-types-only',
      severity: 'error',
      comment:
        'protocol names the types of domain values. Exception: entities/, which restores snapshots with the domain.',
      from: { path: '^libs/protocol/src/', pathNot: '^libs/protocol/src/entities/' },
      to: { path: '^libs/domain/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'specs-stay-in-their-layer-or-testing',
      severity: 'error',
      comment: 'A spec of domain or runtime that needs adapters belongs to libs/testing.',
      from: { path: `^libs/(std|domain|protocol|runtime)/src/.*${tests}` },
      to: { path: '^(apps|libs/(adapters|platform|client))/' },
    },
    {
      name: 'domain-and-runtime-do-not-know-each-other',
      severity: 'error',
      from: { path: '^libs/(domain|runtime)/' },
      to: { path: '^libs/(domain|runtime)/', pathNot: '^libs/$1/' },
    },
    {
      name: 'apps-do-not-import-apps',
      severity: 'error',
      comment: 'Apps talk over NATS. What two of them need is a library.',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'testing-is-for-tests',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: `^libs/testing/|${tests}` },
      to: { path: '^libs/testing/' },
    },
    {
      name: 'no-packages-in-the-core',
      severity: 'error',
      comment: 'std, domain and runtime are plain TypeScript: no npm package.',
      from: { path: '^libs/(std|domain|runtime)/src/', pathNot: tests },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'domain-is-pure',
      severity: 'error',
      comment: 'No clock, no randomness, no I/O: time and ids arrive with the command.',
      from: { path: '^libs/domain/src/', pathNot: tests },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'runtime-reaches-the-world-through-ports',
      severity: 'error',
      comment: 'The runtime runs in the simulator. Exception: zlib for checksums in wire/, a pure function.',
      from: { path: '^libs/runtime/src/', pathNot: tests },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?zlib$' },
    },
    {
      name: 'zlib-only-in-wire',
      severity: 'error',
      from: { path: '^libs/runtime/src/', pathNot: `^libs/runtime/src/wire/|${tests}` },
      to: { path: '^(node:)?zlib$' },
    },
    {
      name: 'nest-stays-at-the-door',
      severity: 'error',
      comment: 'Only apps and platform know Nest.',
      from: { path: '^libs/', pathNot: '^libs/platform/' },
      to: { path: 'node_modules/@nestjs/' },
    },
    {
      name: 'packages-by-their-name',
      severity: 'error',
      comment:
        'Another library is imported as @parley/<name>, through its index, never by a path into its folder.',
      from: { path: '^(libs|apps)/([^/]+)/' },
      to: {
        path: '^libs/',
        pathNot: [
          '^$1/$2/',
          '^libs/[^/]+/src/index\\.ts$',
          '^libs/testing/src/servers/index\\.ts$',
          '^libs/hosting/src/entities/index\\.ts$',
        ],
      },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Types may refer to each other; code may not.',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'everything-is-found', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|generated|coverage)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      conditionNames: ['source', 'import', 'node', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.d.ts'],
      exportsFields: ['exports'],
      mainFields: ['main', 'types'],
    },
  },
};
