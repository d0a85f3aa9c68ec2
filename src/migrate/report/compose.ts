import type { ReportDocument } from './document.ts';
import { otherFacts } from './other-facts.ts';
import type { RunRecord } from './run-record.ts';
import { backupSection, beforeAndAfterSection, checkedSection, surroundings, verificationSection } from './state-sections.ts';
import { doneSection, leftSection, plannedSection, stoppedSection, timelineSection } from './step-sections.ts';
import { backupSentence, changeOf, outcomeOf, waitsOf, whoOf } from './summary.ts';
import { when } from './times.ts';

/** Puts together what a run's report says. Pure: the same run gives the same report. */
export function composeReport(run: RunRecord): ReportDocument {
  const outcome = outcomeOf(run);
  return {
    title: `Migration report: ${run.command}, run ${run.id} on database ${run.database}`,
    tone: outcome.tone,
    summary: [
      ['Outcome', outcome.sentence],
      ['Change', changeOf(run)],
      ['Locks and time', waitsOf(run)],
      ['Backup', backupSentence(run)],
      ['When and who', `${when(run)}, by ${whoOf(run)}`],
    ],
    sections: [
      ...timelineSection(run),
      ...stoppedSection(run),
      ...doneSection(run),
      ...leftSection(run),
      ...beforeAndAfterSection(run),
      ...verificationSection(run),
      ...checkedSection(run),
      ...plannedSection(run),
      ...backupSection(run),
      ...otherFacts(run.details),
      { heading: 'Who, where and with what', blocks: [{ kind: 'facts', facts: surroundings(run) }] },
    ],
    footer: `Made from the journal in the schema onechart of database ${run.database}. Make it again at any time with: onechart migrate report ${run.id}`,
  };
}
