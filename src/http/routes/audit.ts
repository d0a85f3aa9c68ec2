import { listAuditEventsRoute, listAuditSealsRoute, listChartListingsRoute, listChartTrailRoute } from '../../api/audit.routes.ts';
import { listAuditSeals, listAuditTrail, listChartTrail, listListingsOf } from '../../audit/trail.service.ts';
import { bind } from '../bind.ts';
import { nextPageLink } from '../page-link.ts';

export const auditBindings = [
  bind(listAuditEventsRoute, async ({ query, ctx, request }) => {
    const page = await listAuditTrail(ctx, query);
    return { status: 200, body: page, headers: nextPageLink(request.url, page.nextCursor) };
  }),
  bind(listChartTrailRoute, async ({ params, query, ctx, request }) => {
    const page = await listChartTrail(ctx, params.id, query);
    return { status: 200, body: page, headers: nextPageLink(request.url, page.nextCursor) };
  }),
  bind(listChartListingsRoute, async ({ params, query, ctx }) => ({ status: 200, body: { items: await listListingsOf(ctx, params.id, query) } })),
  bind(listAuditSealsRoute, async ({ query, ctx }) => ({ status: 200, body: await listAuditSeals(ctx, query) })),
];
