/** Where versions of a registered model stand, and what a change of stages and aliases moves. */

export const STAGES = ['None', 'Staging', 'Production', 'Archived'] as const
export type Stage = (typeof STAGES)[number]

/** The stages that are in use: they can be emptied when a version enters, and can have a policy. */
export const IN_USE: readonly string[] = ['Staging', 'Production']

export interface Tag {
  key: string
  value: string
}

/** A version of a registered model. */
export interface Version {
  name: string
  version: string
  stage: string
  aliases: readonly string[]
  description: string
  source: string
  /** Empty if it comes from no run. */
  runId: string
  /** Of its logged model; empty if there is none. */
  modelId: string
  /** Milliseconds since the epoch. */
  created: number
  updated: number
  /** READY, PENDING_REGISTRATION or FAILED_REGISTRATION. */
  status: string
  statusMessage: string
  tags: readonly Tag[]
}

/** The number of a version, for sorting. */
export function order(version: string): number {
  return Number(version)
}

/** The version that people mean by the model: that of the alias champion, else the newest in Production, else the newest. */
export function champion<V extends Pick<Version, 'version' | 'stage' | 'aliases'>>(versions: readonly V[]): V | undefined {
  const newest = [...versions].sort((a, b) => order(b.version) - order(a.version))
  return (
    newest.find((v) => v.aliases.includes('champion')) ?? newest.find((v) => v.stage === 'Production') ?? newest[0]
  )
}

/** The logged model that a source such as `models:/m-…` names; empty for another source. */
export function modelOfSource(source: string): string {
  return /^models:\/(m-[^/@?#]+)$/.exec(source)?.[1] ?? ''
}

/** Those that are in a stage now and leave it when a version enters it and they are to be archived. */
export function leaving<V extends Pick<Version, 'version' | 'stage'>>(versions: readonly V[], version: string, stage: string): V[] {
  return IN_USE.includes(stage) ? versions.filter((v) => v.stage === stage && v.version !== version) : []
}

/** How the versions stand after one has entered a stage. */
export function moved<V extends Pick<Version, 'version' | 'stage'>>(versions: readonly V[], version: string, stage: string, archive: boolean): V[] {
  const gone = archive ? leaving(versions, version, stage) : []
  return versions.map((v) => {
    if (v.version === version) return { ...v, stage }
    return gone.includes(v) ? { ...v, stage: 'Archived' } : v
  })
}

/** How the versions stand after an alias was set to one of them, or taken away (version undefined). */
export function aliased<V extends Pick<Version, 'version' | 'aliases'>>(versions: readonly V[], alias: string, version: string | undefined): V[] {
  return versions.map((v) => {
    const others = v.aliases.filter((one) => one !== alias)
    return { ...v, aliases: v.version === version ? [...others, alias].sort() : others }
  })
}

/** "Version 3", "Versions 3 and 4", "Versions 1, 3 and 4". */
export function named(versions: readonly string[]): string {
  const sorted = [...versions].sort((a, b) => order(a) - order(b))
  const last = sorted.at(-1) ?? ''
  return sorted.length < 2 ? `Version ${last}` : `Versions ${sorted.slice(0, -1).join(', ')} and ${last}`
}

/** What is wrong with an alias; empty if nothing is. */
export function aliasProblem(alias: string): string {
  if (alias === '') return ''
  if (!/^[\w-]+$/.test(alias)) return 'An alias has letters, digits, - and _ only.'
  if (/^v\d+$/i.test(alias) || alias.toLowerCase() === 'latest') return `“${alias}” would be mistaken for a version.`
  return alias.length > 255 ? 'An alias has at most 255 characters.' : ''
}

/** What the list knows of a model to find it by. */
export interface Findable {
  name: string
  description: string
  tags: readonly Tag[]
  aliases: readonly { alias: string; version: string }[]
  stages: readonly string[]
}

/**
 * Whether a model fits what was typed: words of its name or description, and `alias:champion`, `stage:production`,
 * `tag:owner`, `tag:owner=retention`.
 */
export function fits(model: Findable, typed: string): boolean {
  return words(typed).every((word) => {
    const at = word.indexOf(':')
    const rest = word.slice(at + 1).toLowerCase()
    switch (at < 0 ? '' : word.slice(0, at).toLowerCase()) {
      case 'alias':
        return model.aliases.some(({ alias }) => alias.toLowerCase().includes(rest))
      case 'stage':
        return model.stages.some((stage) => stage.toLowerCase().startsWith(rest))
      case 'tag':
        return model.tags.some(({ key, value }) =>
          rest.includes('=') ? `${key}=${value}`.toLowerCase().startsWith(rest) : key.toLowerCase().startsWith(rest))
    }
    const text = `${model.name} ${model.description}`.toLowerCase()
    return text.includes(word.toLowerCase())
  })
}

/** Split at blanks, but not within double quotes. */
function words(typed: string): string[] {
  return [...typed.matchAll(/(?:[^\s"]|"[^"]*"?)+/g)].map(([word]) => word.replaceAll('"', ''))
}

/** Add a condition to what was typed, or take it away if it is there. */
export function toggled(typed: string, condition: string): string {
  const quoted = /\s/.test(condition) ? `"${condition}"` : condition
  const have = words(typed)
  const rest = have.filter((word) => word !== condition).map((word) => (/\s/.test(word) ? `"${word}"` : word))
  return (rest.length < have.length ? rest : [...rest, quoted]).join(' ')
}

/** A text in a filter of the server. */
export function quotedText(text: string): string {
  return text.includes("'") ? `"${text}"` : `'${text}'`
}

/** Whoever answers for a model, by its tags. */
export function ownerOf(tags: readonly Tag[]): string {
  for (const key of ['owner', 'team', 'maintainer', 'contact']) {
    const found = tags.find((tag) => tag.key.toLowerCase() === key)
    if (found) return found.value
  }
  return ''
}

export interface Policy {
  stage: string
  reviewers: number
  requirement: string
}

/** "2 approvals and metrics.acc >= 0.9". */
export function needs(policy: Policy): string {
  const people = policy.reviewers === 1 ? '1 approval' : `${policy.reviewers} approvals`
  return [policy.reviewers ? people : '', policy.requirement].filter((part) => part !== '').join(' and ')
}
