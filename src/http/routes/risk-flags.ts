import { clearRiskFlagRoute, getRiskFlagRoute, listRiskFlagsRoute, setRiskFlagRoute } from '../../api/risk-flag.routes.ts';
import { answerCreated, answerPart, readAt } from '../answers.ts';
import { bind } from '../bind.ts';

export const riskFlagBindings = [
  bind(listRiskFlagsRoute, async ({ params, query, patients }) => ({ status: 200, body: { items: await patients.listRiskFlags(params.id, query) } })),
  bind(setRiskFlagRoute, async ({ params, body, patients }) => {
    const added = await patients.setRiskFlag(params.id, body);
    return answerCreated(answerPart(added), ['patients', params.id, 'risk-flags', added.id]);
  }),
  bind(getRiskFlagRoute, async ({ params, patients }) => answerPart(await patients.getRiskFlag({ patientId: params.id, id: params.riskFlagId }))),
  bind(clearRiskFlagRoute, async ({ params, body, version, patients }) =>
    answerPart(await patients.clearRiskFlag({ patientId: params.id, id: params.riskFlagId, updatedAt: readAt(version), ...body })),
  ),
];
