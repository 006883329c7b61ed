/**
 * What a tool answered, as much of it as we read. The SDK's schema refuses a whole result for one content block of a kind
 * that it doesn't know, and newer servers have such kinds beside what we need.
 */
import type { Result } from '@modelcontextprotocol/sdk/types.js'

/** `text`: of all text blocks. `structured`, `meta`: anything, to be checked by who reads it. */
export type ToolResult = {
  isError: boolean
  text: string
  structured: unknown
  meta: Record<string, unknown>
}

/** @throws Error for what is no result of a tool */
export function toolResult({
  content = [],
  isError = false,
  structuredContent,
  _meta = {},
}: Result): ToolResult {
  if (!Array.isArray(content) || typeof isError !== 'boolean')
    throw new Error('it answered with something that is no result of a tool')
  return { isError, text: content.map(textOf).join(''), structured: structuredContent, meta: _meta }
}

function textOf(block: unknown): string {
  const { type, text } = (block ?? {}) as { type?: unknown; text?: unknown }
  return type === 'text' && typeof text === 'string' ? text : ''
}
