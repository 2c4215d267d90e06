// The closed sets of words in a search request.

/** Orders of hits. The first is the default. */
export const searchSorts = ['newest', 'oldest', 'relevance'] as const;
export type SearchSort = (typeof searchSorts)[number];

/** Kinds of messages that people write and can search for; what a server adds to a log is not among them. */
export const searchKinds = [
  'text',
  'image',
  'gif',
  'voice',
  'video',
  'file',
  'sticker',
  'location',
  'contact_card',
  'custom',
] as const;
export type SearchKind = (typeof searchKinds)[number];
