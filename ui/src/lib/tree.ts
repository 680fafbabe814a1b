/** Names with slashes as a tree. */

export interface Branch<T> {
  /** This step of the name. */
  step: string
  /** The name up to here. */
  path: string
  item?: T
  children: Branch<T>[]
}

/** Branches in the order in which their names come; a chain without a choice is one branch. */
export function treeOf<T>(items: readonly T[], nameOf: (item: T) => string): Branch<T>[] {
  const root: Branch<T> = { step: '', path: '', children: [] }
  for (const item of items) {
    const steps = nameOf(item).split('/')
    let here = root
    for (const [i, step] of steps.entries()) {
      const path = steps.slice(0, i + 1).join('/')
      const last = i === steps.length - 1
      let next = here.children.find((child) => child.step === step && (!last || child.item === undefined))
      if (!next) {
        next = { step, path, children: [] }
        here.children.push(next)
      }
      if (last) next.item = item
      here = next
    }
  }
  return root.children.map(joined)
}

function joined<T>(branch: Branch<T>): Branch<T> {
  const [only] = branch.children
  if (branch.item === undefined && only && branch.children.length === 1) {
    return joined({ ...only, step: `${branch.step}/${only.step}` })
  }
  return { ...branch, children: branch.children.map(joined) }
}
