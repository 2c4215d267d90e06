// Lets so many through in each turn of the event loop and makes the others wait, in order: thousands who come at once
// must not hold up those who are talking already.

export class Pace {
  readonly #perTurnMax: number;
  readonly #waiting: (() => void)[] = [];
  #throughInTurn = 0;

  constructor(perTurnMax: number) {
    this.#perTurnMax = perTurnMax;
  }

  /** undefined: go on at once. */
  next(): Promise<void> | undefined {
    if (this.#throughInTurn === 0) setImmediate(this.#turn);
    if (this.#throughInTurn < this.#perTurnMax) {
      this.#throughInTurn++;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  readonly #turn = (): void => {
    const through = this.#waiting.splice(0, this.#perTurnMax);
    this.#throughInTurn = through.length;
    if (through.length > 0) setImmediate(this.#turn);
    for (const resolve of through) resolve();
  };
}
