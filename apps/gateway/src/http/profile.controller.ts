// What the asker shows of themself, and who may write to them.
import { Body, Controller, HttpCode, Inject, Put } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { internal, type parley, wire } from '@parley/protocol';
import type { z } from 'zod';
import type { VerifiedToken } from '../auth/token-verifier.ts';
import { mustBeDone } from './api-error.ts';
import { AskerRoute } from './api-route.ts';
import { Asker } from './auth.guard.ts';
import type { HttpPorts } from './http-ports.ts';
import { HTTP_PORTS } from './http-ports.ts';
import { profileBody, writeRuleBody } from './people-schemas.ts';
import { ZodPipe } from './zod-pipe.ts';

@ApiTags('people')
@Controller('v1/me')
export class ProfileController {
  constructor(@Inject(HTTP_PORTS) private readonly ports: HttpPorts) {}

  @Put('profile')
  @HttpCode(204)
  @AskerRoute({ summary: 'What all of the tenant sees of you', body: profileBody })
  async setProfile(
    @Asker() asker: VerifiedToken,
    @Body(new ZodPipe(profileBody)) body: z.infer<typeof profileBody>,
  ): Promise<void> {
    await this.#send(asker, { setProfile: body });
  }

  @Put('write-rule')
  @HttpCode(204)
  @AskerRoute({ summary: 'Who may write to you', body: writeRuleBody })
  async setWriteRule(
    @Asker() asker: VerifiedToken,
    @Body(new ZodPipe(writeRuleBody)) { whoMayWrite }: z.infer<typeof writeRuleBody>,
  ): Promise<void> {
    await this.#send(asker, { setWriteRule: { whoMayWrite: ruleNumbers[whoMayWrite] } });
  }

  async #send({ tenant, user }: VerifiedToken, command: Command): Promise<void> {
    const payload = internal.UserCommand.encode(command).finish();
    mustBeDone(await this.ports.commands.send({ type: 'user', tenant, id: user }, payload));
  }
}

type Command = parley.internal.v1.UserCommand.$Shape;

const { WhoMayWrite } = wire;
const ruleNumbers = {
  everyone: WhoMayWrite.WHO_MAY_WRITE_UNSPECIFIED,
  contacts: WhoMayWrite.WHO_MAY_WRITE_CONTACTS,
  'shared-group': WhoMayWrite.WHO_MAY_WRITE_SHARED_GROUP,
} as const;

type Account = parley.internal.v1.AccountAnswer.$Properties;

export const ruleWord = ({ whoMayWrite }: Account) =>
  (Object.keys(ruleNumbers) as (keyof typeof ruleNumbers)[]).find(
    (word) => ruleNumbers[word] === (whoMayWrite ?? 0),
  ) ?? 'everyone';

/** What an account shows to others. */
export const profileJson = ({ profile }: Account) => ({
  avatar: profile?.avatar ?? '',
  fields: (profile?.fields ?? []).map(({ name, value }) => ({ name: name ?? '', value: value ?? '' })),
});
