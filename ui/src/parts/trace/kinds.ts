/** Colours of types of spans: those of runs, by number. */
import { coloured } from '../../lib/colour'
import { kindOf } from '../../lib/waterfall'
import { theme } from '../../state/theme.svelte'

const NUMBERS = [8, 11, 0, 1, 2, 4, 10, 9] as const

export const kindColour = (kind: number): string => coloured(NUMBERS[kind] ?? 9, theme.dark)
export const typeColour = (type: string): string => kindColour(kindOf(type))

/** CHAT_MODEL as people write it. */
export function typeWord(type: string): string {
  if (type === 'UNKNOWN' || type === '') return 'Span'
  if (/^(LLM|MCP|RAG)$/.test(type)) return type
  const words = type.replaceAll('_', ' ').toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** What is shown of a trace, as its link has it. */
export interface View {
  span?: string
  zoom?: string
  closed?: string
  find?: string
  path?: string
  as?: string
  side?: string
}
export type SetView = (changes: View, replace?: boolean) => void
