// Runs a task for each item, several at once but never more than a named maximum; results in the order of the items.

export async function boundedParallel<Item, Out>(
  items: readonly Item[],
  atOnceMax: number,
  task: (item: Item) => Promise<Out>,
): Promise<Out[]> {
  const results: Out[] = Array.from({ length: items.length });
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await task(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnceMax, items.length) }, worker));
  return results;
}
