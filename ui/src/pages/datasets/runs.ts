/** The runs that used a dataset. */
import { quotedText } from '../../lib/registry'
import { href } from '../../route'

export function runsOf(dataset: { experiment_id: string; name: string; digest: string }): string {
  const q = `dataset.name = ${quotedText(dataset.name)} and dataset.digest = ${quotedText(dataset.digest)}`
  return href({ page: 'runs', experiments: [dataset.experiment_id] }, { q })
}
