// Times the history store can hold.

/** The end of DateTime64: the year 2299. */
export const timeMsMax = Date.UTC(2299, 0);
