/** What the `type` of a problem says: which error of ours it is. Both ways; a command reads what the API has written. */
const PREFIX = 'urn:fcm:problem:'

export const problemType = (code: string): string => PREFIX + code.toLowerCase().replaceAll('_', '-')

/** Of a type that is not ours, empty. */
export const codeOf = (type: string): string =>
  type.startsWith(PREFIX) ? type.slice(PREFIX.length).toUpperCase().replaceAll('-', '_') : ''
