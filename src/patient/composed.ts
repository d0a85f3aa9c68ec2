/** A row of a chart as it stands in a list beside what the patient's own columns say, which have no times of their own. */
export function asListed<Row extends { createdAt: string; createdBy: string | null; updatedBy: string | null }>(
  row: Row,
): Omit<Row, 'createdAt' | 'createdBy' | 'updatedBy'> {
  const { createdAt: _createdAt, createdBy: _createdBy, updatedBy: _updatedBy, ...listed } = row;
  return listed;
}
