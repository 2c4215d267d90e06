// Accounts: register, log in, who am I, who is that.
import { Body, Controller, Get, HttpCode, Inject, Ip, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { parley } from '@parley/protocol';
import { internal } from '@parley/protocol';
import { inParallel } from '@parley/std';
import type { z } from 'zod';
import type { Identity, VerifiedToken } from '../auth/token-verifier.ts';
import { ApiError, mustBeDone, valueOf } from './api-error.ts';
import { AskerRoute, OpenRoute } from './api-route.ts';
import { Asker } from './auth.guard.ts';
import type { HttpPorts } from './http-ports.ts';
import { HTTP_PORTS } from './http-ports.ts';
import { isNamed } from './named-users.ts';
import { addressKey, mustBeWithin } from './rate-limits.ts';
import { meAnswer, userAnswer, userSearchAnswer, userSearchQuery } from './people-schemas.ts';
import { profileJson, ruleWord } from './profile.controller.ts';
import { logInBody, registerBody, sessionAnswer, userId } from './schemas.ts';
import { accountOf } from './entity-questions.ts';
import { ZodPipe } from './zod-pipe.ts';

@ApiTags('accounts')
@Controller('v1')
export class AccountsController {
  constructor(@Inject(HTTP_PORTS) private readonly ports: HttpPorts) {}

  @Post('accounts')
  @OpenRoute({ summary: 'Register, and log in', body: registerBody, answer: sessionAnswer, status: 201 })
  async register(
    @Body(new ZodPipe(registerBody)) body: z.infer<typeof registerBody>,
    @Ip() address: string,
  ): Promise<z.infer<typeof sessionAnswer>> {
    const { rates, settings, passwords, commands } = this.ports;
    await mustBeWithin(rates, settings.limits.registrationsPerAddress, addressKey(address));
    const identity = { tenant: this.#openTenant(body.tenant), user: body.handle };
    if (isNamed(settings, identity)) throw new ApiError('ALREADY_EXISTS');
    // Asked before the expensive hash; the entity decides again, because two may ask at once.
    if ((await accountOf(this.ports, identity))?.exists) throw new ApiError('ALREADY_EXISTS');
    const displayName = body.displayName ?? body.handle;
    const passwordHash = valueOf(await passwords.hash(body.password));
    const command = { registerUser: { handle: identity.user, displayName, passwordHash } };
    const payload = internal.UserCommand.encode(command).finish();
    mustBeDone(await commands.send({ type: 'user', tenant: identity.tenant, id: identity.user }, payload));
    return this.#session(identity, displayName, body.deviceId);
  }

  @Post('sessions')
  @HttpCode(200)
  @OpenRoute({ summary: 'Log in', body: logInBody, answer: sessionAnswer })
  async logIn(
    @Body(new ZodPipe(logInBody)) body: z.infer<typeof logInBody>,
    @Ip() address: string,
  ): Promise<z.infer<typeof sessionAnswer>> {
    const { rates, settings, passwords } = this.ports;
    const { loginsPerAddress, loginFailures } = settings.limits;
    await mustBeWithin(rates, loginsPerAddress, addressKey(address));
    const identity = { tenant: body.tenant ?? settings.defaultTenant, user: body.handle };
    const failureKey = `${addressKey(address)}/${identity.tenant}/${identity.user}`;
    await mustBeWithin(rates, loginFailures, failureKey, 0);
    const account = await accountOf(this.ports, identity);
    // Also for nobody: an answer that comes sooner would tell who has an account.
    const isRight = valueOf(await passwords.verify(account?.passwordHash ?? '', body.password));
    if (account === undefined || !isRight) {
      await rates.take(loginFailures, failureKey);
      throw new ApiError('WRONG_CREDENTIALS');
    }
    return this.#session(identity, account.displayName, body.deviceId);
  }

  @Get('me')
  @AskerRoute({ summary: 'Who am I', answer: meAnswer })
  async me(@Asker() asker: VerifiedToken): Promise<z.infer<typeof meAnswer>> {
    const account = await accountOf(this.ports, asker);
    if (account === undefined) throw new ApiError('USER_NOT_FOUND');
    const shown = { ...userJson(asker, account.displayName), ...profileJson(account) };
    return { ...shown, whoMayWrite: ruleWord(account), tokenExpiresAtMs: asker.expiresAtMs };
  }

  @Get('users')
  @AskerRoute({
    summary: 'Users whose handle begins with a text',
    query: userSearchQuery,
    answer: userSearchAnswer,
  })
  async find(
    @Asker() { tenant, user }: VerifiedToken,
    @Query(new ZodPipe(userSearchQuery)) query: z.infer<typeof userSearchQuery>,
  ): Promise<z.infer<typeof userSearchAnswer>> {
    const { rates, settings, directory } = this.ports;
    await mustBeWithin(rates, settings.limits.userSearchesPerUser, `${tenant}/${user}`);
    const found = await directory.find(tenant, query);
    if (!found.ok) throw new ApiError('UNAVAILABLE', 'Users cannot be searched at the moment.');
    const ids = found.value;
    const accounts = await inParallel(ids, settings.limits.questionsAtOnceMax, (id) =>
      accountOf(this.ports, { tenant, user: id }),
    );
    const users = ids.flatMap((id, index) => {
      const account = accounts[index];
      if (account === undefined) return [];
      return [{ id, displayName: account.displayName, avatar: profileJson(account).avatar }];
    });
    return { users, next: ids.length < query.limit ? null : (ids.at(-1) ?? null) };
  }

  @Get('users/:user')
  @AskerRoute({ summary: 'Is there such a user', params: ['user'], answer: userAnswer })
  async user(
    @Asker() asker: VerifiedToken,
    @Param('user', new ZodPipe(userId, 'BAD_ID')) user: string,
  ): Promise<z.infer<typeof userAnswer>> {
    const account: parley.internal.v1.AccountAnswer | undefined = await accountOf(this.ports, {
      tenant: asker.tenant,
      user,
    });
    const shown = { displayName: account?.displayName ?? '', ...profileJson(account ?? {}) };
    return { id: user, exists: account !== undefined, ...shown };
  }

  /** The tenant a stranger may make an account in. */
  #openTenant(wish: string | undefined): string {
    const { settings, registration } = this.ports;
    const tenant = wish ?? settings.defaultTenant;
    if (registration.isExternal(tenant)) {
      throw new ApiError('FORBIDDEN', "This tenant's accounts are kept by its own identity provider.");
    }
    if (settings.registrationTenants !== undefined && !settings.registrationTenants.includes(tenant)) {
      throw new ApiError('FORBIDDEN', 'Registration is closed in this tenant.');
    }
    return tenant;
  }

  async #session(
    identity: Identity,
    displayName: string,
    device = '',
  ): Promise<z.infer<typeof sessionAnswer>> {
    // Found by others from now on; without the store, after the next login.
    await this.ports.directory.add(identity.tenant, identity.user);
    return { ...(await this.ports.issuer.issue(identity, device)), user: userJson(identity, displayName) };
  }
}

const userJson = ({ tenant, user }: Identity, displayName: string) => ({
  tenant,
  id: user,
  displayName: displayName === '' ? user : displayName,
});
