// A few at a time: many items, never more than a named number of them under way.

/** Runs `work` for every item, `atOnceMax` of them at a time; results in the order of the items. Rejects with the first failure. */
export async function inParallel<Item, Out>(
  items: readonly Item[],
  atOnceMax: number,
  work: (item: Item) => Promise<Out>,
): Promise<Out[]> {
  const results: Out[] = Array.from({ length: items.length });
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnceMax, items.length) }, worker));
  return results;
}
