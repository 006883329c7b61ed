/** The schema of alert events as commit 1695690 wrote them, without its words. */
export const VERSION_1: object = {
  type: 'record',
  namespace: 'fcm',
  name: 'AlertEvent',
  fields: [
    { name: 'fingerprint', type: 'string' },
    { name: 'sequence', type: 'int' },
    {
      name: 'event',
      type: { type: 'enum', name: 'AlertEventType', symbols: ['opened', 'updated', 'resolved'] },
    },
    { name: 'kind', type: 'string' },
    { name: 'severity', type: { type: 'enum', name: 'Severity', symbols: ['low', 'medium', 'high'] } },
    { name: 'time', type: 'long' },
    { name: 'openedAt', type: 'long' },
    {
      name: 'measure',
      type: {
        type: 'enum',
        name: 'Measure',
        symbols: ['posts', 'replies', 'casts', 'reactions', 'participants'],
      },
    },
    { name: 'resolution', type: 'int' },
    { name: 'start', type: 'long' },
    { name: 'reason', type: 'string' },
    {
      name: 'evidence',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'Evidence',
          fields: [
            { name: 'measure', type: 'Measure' },
            { name: 'resolution', type: 'int' },
            { name: 'start', type: 'long' },
            { name: 'count', type: 'long' },
            { name: 'expected', type: 'double' },
            { name: 'dispersion', type: 'double' },
            { name: 'variance', type: ['null', 'double'] },
            { name: 'autocorrelation', type: ['null', 'double'] },
            { name: 'p', type: ['null', 'double'] },
            { name: 'score', type: ['null', 'double'] },
            { name: 'reason', type: 'string' },
          ],
        },
      },
    },
    { name: 'preset', type: 'string' },
    { name: 'settings', type: 'string' },
  ],
}
