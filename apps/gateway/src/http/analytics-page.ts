// The page on which analysts look at plots of the ready questions. It holds no data: its script (analytics-page-script.ts)
// asks the HTTP API with a token that stays in its memory.
export const analyticsPage = (): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Parley: analytics</title>
<link rel="icon" href="data:,">
<style>
:root {
  color-scheme: light dark;
  font: 16px/1.5 system-ui, sans-serif;
  --ink: light-dark(#1b1b1f, #e6e6ea);
  --faint: light-dark(#5c5c66, #a5a5b0);
  --line: light-dark(#d0d0d8, #44444e);
  --one: light-dark(#0b5cad, #78b6ff);
  --two: light-dark(#a84300, #ffab6b);
  --three: light-dark(#2b7a3d, #7fd694);
  --bad: light-dark(#a4001d, #ff8a9b);
}
body { max-width: 64rem; margin: 2rem auto; padding: 0 1.5rem; color: var(--ink); }
h1 { margin-bottom: 0; }
section { border-top: 1px solid var(--line); padding: 1rem 0; }
form { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; }
label { display: grid; gap: .2rem; font-size: .85rem; color: var(--faint); }
input, select, button { font: inherit; padding: .3rem .5rem; }
:focus-visible { outline: 3px solid var(--one); outline-offset: 2px; }
[role=status] { min-height: 1.5em; color: var(--faint); }
[role=status].bad { color: var(--bad); }
svg { width: 100%; height: auto; display: block; }
svg text { font-size: 12px; fill: var(--faint); }
svg .axis { stroke: var(--line); }
.one { fill: var(--one); stroke: var(--one); }
.two { fill: var(--two); stroke: var(--two); }
.three { fill: var(--three); stroke: var(--three); }
path { fill: none !important; stroke-width: 2; }
path.two { stroke-dasharray: 6 3; }
path.three { stroke-dasharray: 2 3; }
.legend { display: flex; gap: 1.25rem; list-style: none; padding: 0; margin: .25rem 0; font-size: .85rem; }
.legend svg { display: inline; width: 1.6rem; height: .7rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .15rem .6rem; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
</style>
</head>
<body>
<main>
<h1>Analytics</h1>
<p>What is written and read in one tenant. Never texts. Times are UTC.</p>
<noscript>This page needs its script.</noscript>
<form id="sign-in" aria-label="Sign in">
<label>Tenant <input name="tenant" autocomplete="organization" placeholder="default"></label>
<label>Name <input name="handle" autocomplete="username"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<label>or a token <input name="token" type="password" autocomplete="off"></label>
<button>Show</button>
</form>
<p id="status" role="status"></p>
<div id="questions"></div>
</main>
<script src="analytics/page.js"></script>
</body>
</html>
`;
