/** Hash <-> page. MLflow's routes are ours; its other spellings are accepted and rewritten. */

export type Query = Readonly<Record<string, string>>

export const RUN_TABS = ['overview', 'parameters', 'metrics', 'system', 'artifacts', 'models', 'traces'] as const
export type RunTab = (typeof RUN_TABS)[number]
export const MODEL_TABS = ['overview', 'artifacts', 'traces'] as const
export type ModelTab = (typeof MODEL_TABS)[number]

export type Route =
  | { page: 'home' }
  | { page: 'runs'; experiments: string[] }
  | { page: 'run'; experiment: string; run: string; tab: RunTab; path: string }
  | { page: 'compare'; runs: string[]; experiments: string[]; metric?: string }
  | { page: 'logged-models'; experiment: string }
  | { page: 'logged-model'; experiment: string; model: string; tab: ModelTab; path: string }
  | { page: 'traces'; experiment: string; sessions: boolean; session?: string }
  | { page: 'trace'; experiment: string; trace: string }
  | { page: 'datasets'; experiment: string; dataset?: string }
  | { page: 'models' }
  | { page: 'model'; name: string }
  | { page: 'version'; name: string; version: string }
  | { page: 'compare-versions'; name: string; versions: string[] }
  | { page: 'prompts' }
  | { page: 'prompt'; name: string }
  | { page: 'settings' }
  | { page: 'missing'; path: string }

export type Page = Route['page']

export interface Place {
  route: Route
  query: Query
}

/** The page that a hash such as `#/experiments/1?q=…` means. */
export function parse(hash: string): Place {
  const text = hash.replace(/^#/, '')
  const cut = text.indexOf('?')
  const path = cut < 0 ? text : text.slice(0, cut)
  const given = Object.fromEntries(new URLSearchParams(cut < 0 ? '' : text.slice(cut + 1)))
  const steps = path.split('/').filter((step) => step !== '').map(decoded)
  const query = { ...given }
  const route = routeOf(steps, query) ?? { page: 'missing', path }
  return { route, query }
}

/** The link to a page. */
export function href(route: Route, query: Query = {}): string {
  const all = { ...queryOf(route), ...query }
  const pairs = Object.entries(all).filter(([, value]) => value !== '')
  const text = pairs.map(([key, value]) => `${encodeURIComponent(key)}=${loose(value).replaceAll('%20', '+')}`).join('&')
  return `#${pathOf(route)}${text && `?${text}`}`
}

/** A list in a query: JSON, as MLflow writes it, or separated by commas. */
export function listOf(text: string | undefined): string[] {
  if (!text) return []
  if (/^\s*\[/.test(text)) {
    try {
      const value: unknown = JSON.parse(text)
      if (Array.isArray(value)) return value.map(String)
    } catch {
      // no JSON after all
    }
  }
  return text.split(',').filter((part) => part !== '')
}

/** The opposite of `listOf`. */
export function listText(values: readonly string[]): string {
  return values.some((value) => /[,[\]"]/.test(value)) ? JSON.stringify(values) : values.join(',')
}

type Loose = Record<string, string>

/** Removes from the query what became part of the route, or has another name here. */
function routeOf(steps: string[], query: Loose): Route | undefined {
  const [first, second, ...rest] = steps
  switch (first) {
    case undefined:
      return { page: 'home' }
    case 'experiments':
      return second === undefined ? { page: 'home' } : inExperiment(second, rest, query)
    case 'compare-experiments':
      return runsPage(listOf(take(query, 'experiments')), query)
    case 'runs':
      return second === undefined ? undefined : runPage('', second, rest)
    case 'compare-runs':
      return { page: 'compare', runs: listOf(take(query, 'runs')), experiments: listOf(take(query, 'experiments')) }
    case 'metric':
      return {
        page: 'compare',
        runs: listOf(take(query, 'runs')),
        experiments: listOf(take(query, 'experiments')),
        metric: take(query, 'metric') ?? [second, ...rest].join('/'),
      }
    case 'models':
      return second === undefined ? { page: 'models' } : inModel(second, rest, query)
    case 'compare-model-versions':
      return {
        page: 'compare-versions',
        name: unquoted(take(query, 'name') ?? ''),
        versions: valuesOf(take(query, 'runs')),
      }
    case 'prompts':
      return second === undefined ? { page: 'prompts' } : { page: 'prompt', name: second }
    case 'settings':
      return { page: 'settings' }
  }
  return undefined
}

function inExperiment(id: string, [what, which, ...rest]: string[], query: Loose): Route | undefined {
  switch (what) {
    case undefined:
    case 's':
    case 'overview':
      return runsPage(id.split(','), query)
    case 'runs':
      return which === undefined ? runsPage(id.split(','), query) : runPage(id, which, rest)
    case 'evaluation-runs': {
      const run = which ?? take(query, 'selectedRunUuid')
      return run === undefined ? runsPage([id], query) : runPage(id, run, rest)
    }
    case 'models': {
      if (which === undefined) return { page: 'logged-models', experiment: id }
      const [tab, ...path] = rest
      const known = MODEL_TABS.find((name) => name === tab) ?? 'overview'
      return { page: 'logged-model', experiment: id, model: which, tab: known, path: path.join('/') }
    }
    case 'traces': {
      const trace = which ?? take(query, 'selectedEvaluationId')
      return trace === undefined
        ? { page: 'traces', experiment: id, sessions: false }
        : { page: 'trace', experiment: id, trace }
    }
    case 'chat-sessions':
      return { page: 'traces', experiment: id, sessions: true, session: which }
    case 'datasets':
      return { page: 'datasets', experiment: id, dataset: which }
    case 'prompts':
      return which === undefined ? { page: 'prompts' } : { page: 'prompt', name: which }
  }
  return undefined
}

function runsPage(experiments: string[], query: Loose): Route {
  const filter = take(query, 'searchFilter')
  if (filter) query.q ??= filter
  const key = take(query, 'orderByKey')
  const ascending = take(query, 'orderByAsc') === 'true'
  if (key) query.sort ??= (ascending ? '' : '-') + plainKey(key)
  const mode = take(query, 'compareRunsMode')
  if (mode === 'CHART') query.view ??= 'v'
  const stage = take(query, 'lifecycleFilter')
  if (stage === 'Deleted') query.stage ??= 'deleted'
  return { page: 'runs', experiments }
}

/** MLflow quotes keys: metrics.`acc`. */
function plainKey(key: string): string {
  return key.replace(/^(\w+)\.[`"](.*)[`"]$/, '$1.$2')
}

const OLD_TABS: Readonly<Record<string, RunTab>> = {
  'model-metrics': 'metrics',
  'system-metrics': 'system',
  artifactPath: 'artifacts',
  params: 'parameters',
}

function runPage(experiment: string, run: string, [name, ...path]: string[]): Route {
  const tab = RUN_TABS.find((known) => known === name) ?? OLD_TABS[name ?? ''] ?? 'overview'
  return { page: 'run', experiment, run, tab, path: path.join('/') }
}

function inModel(name: string, [what, version]: string[], query: Loose): Route | undefined {
  if (what === undefined) return { page: 'model', name }
  if (what === 'compare') return { page: 'compare-versions', name, versions: listOf(take(query, 'versions')) }
  if (what === 'versions' && version !== undefined) return { page: 'version', name, version }
  if (/^\d+$/.test(what)) return { page: 'version', name, version: what }
  return undefined
}

function pathOf(route: Route): string {
  switch (route.page) {
    case 'home':
      return '/'
    case 'runs':
      return path('experiments', route.experiments.join(','))
    case 'run': {
      const run = route.experiment ? path('experiments', route.experiment, 'runs', route.run) : path('runs', route.run)
      return run + (route.tab === 'overview' ? '' : path(route.tab, ...route.path.split('/')))
    }
    case 'compare':
      return route.metric === undefined ? '/compare-runs' : path('metric', ...route.metric.split('/'))
    case 'logged-models':
      return path('experiments', route.experiment, 'models')
    case 'logged-model': {
      const model = path('experiments', route.experiment, 'models', route.model)
      return model + (route.tab === 'overview' ? '' : path(route.tab, ...route.path.split('/')))
    }
    case 'traces': {
      const kind = route.sessions ? 'chat-sessions' : 'traces'
      return path('experiments', route.experiment, kind, route.session ?? '')
    }
    case 'trace':
      return path('experiments', route.experiment, 'traces', route.trace)
    case 'datasets':
      return path('experiments', route.experiment, 'datasets', route.dataset ?? '')
    case 'models':
    case 'prompts':
    case 'settings':
      return `/${route.page}`
    case 'model':
      return path('models', route.name)
    case 'prompt':
      return path('prompts', route.name)
    case 'version':
      return path('models', route.name, 'versions', route.version)
    case 'compare-versions':
      return path('models', route.name, 'compare')
    case 'missing':
      return route.path
  }
}

function queryOf(route: Route): Loose {
  if (route.page === 'compare') {
    return { runs: listText(route.runs), experiments: listText(route.experiments) }
  }
  return route.page === 'compare-versions' ? { versions: listText(route.versions) } : {}
}

function path(...steps: string[]): string {
  return steps.filter((step) => step !== '').map((step) => `/${loose(step)}`).join('')
}

/** Encoded, but for what is readable and allowed in a fragment. */
function loose(text: string): string {
  return encodeURIComponent(text).replace(/%(2C|3A|40|3D)/g, decodeURIComponent)
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step)
  } catch {
    return step
  }
}

function take(query: Loose, name: string): string | undefined {
  const value = query[name]
  delete query[name]
  return value
}

function unquoted(text: string): string {
  return /^".*"$/.test(text) ? text.slice(1, -1) : text
}

/** The values of a JSON object such as {"<run>": "3"}. */
function valuesOf(text: string | undefined): string[] {
  try {
    return Object.values(JSON.parse(text ?? '{}') as Record<string, unknown>).map(String)
  } catch {
    return []
  }
}
