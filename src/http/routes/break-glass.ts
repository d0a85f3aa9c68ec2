import { breakGlass, listGrants, listGrantTrail, mendGlass, reviewGrant } from '../../access/break-glass.service.ts';
import { breakGlassRoute, listBreakGlassRoute, listGrantTrailRoute, mendGlassRoute, reviewBreakGlassRoute } from '../../api/break-glass.routes.ts';
import { bind } from '../bind.ts';
import { nextPageLink } from '../page-link.ts';

export const breakGlassBindings = [
  bind(breakGlassRoute, async ({ params, body, ctx, registry }) => ({
    status: 201,
    body: await breakGlass(ctx, params.id, { input: body, settings: registry.breakGlass }),
  })),
  bind(mendGlassRoute, async ({ params, ctx }) => ({ status: 200, body: await mendGlass(ctx, params.grantId) })),
  bind(listBreakGlassRoute, async ({ query, ctx, request }) => {
    const page = await listGrants(ctx, query);
    return { status: 200, body: page, headers: nextPageLink(request.url, page.nextCursor) };
  }),
  bind(listGrantTrailRoute, async ({ params, ctx }) => ({ status: 200, body: { items: await listGrantTrail(ctx, params.grantId) } })),
  bind(reviewBreakGlassRoute, async ({ params, body, ctx }) => ({ status: 200, body: await reviewGrant(ctx, params.grantId, body) })),
];
