// The HTTP API as one Nest module. main.ts gives it the ports: `HttpModule.forRoot(ports)`.
import type { DynamicModule } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { AccountsController } from './accounts.controller.ts';
import { AnalyticsController } from './analytics.controller.ts';
import { AdminController } from './admin.controller.ts';
import { AuthGuard } from './auth.guard.ts';
import { ConversationsController } from './conversations.controller.ts';
import { DevicesController } from './devices.controller.ts';
import { EndpointsController } from './endpoints.controller.ts';
import { ExportController } from './export.controller.ts';
import { GroupCareController } from './group-care.controller.ts';
import { GroupJoiningController } from './group-joining.controller.ts';
import { GroupsController } from './groups.controller.ts';
import type { HttpPorts } from './http-ports.ts';
import { HTTP_PORTS } from './http-ports.ts';
import { OperationsController } from './operations.controller.ts';
import { PeopleController } from './people.controller.ts';
import { PresenceController } from './presence.controller.ts';
import { ProfileController } from './profile.controller.ts';
import { ProblemFilter } from './problem.filter.ts';
import { SearchController } from './search.controller.ts';
import { WordsController } from './words.controller.ts';

// Nest makes a module of a class, whatever is in it.
// oxlint-disable-next-line typescript/no-extraneous-class
@Module({})
export class HttpModule {
  static forRoot(ports: HttpPorts): DynamicModule {
    return {
      module: HttpModule,
      controllers: [
        AccountsController,
        GroupsController,
        PeopleController,
        GroupCareController,
        ProfileController,
        DevicesController,
        GroupJoiningController,
        ConversationsController,
        SearchController,
        ExportController,
        AnalyticsController,
        PresenceController,
        AdminController,
        WordsController,
        EndpointsController,
        OperationsController,
      ],
      providers: [
        { provide: HTTP_PORTS, useValue: ports },
        AuthGuard,
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    };
  }
}
