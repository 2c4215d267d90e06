// What actor processes share: the runtime plugged into NATS, with configuration, metrics and lifecycle.
export { type ActorConfig, actorSettings, limitsOf } from './actor-settings.ts';
export { type ActorApp, runActor } from './run-actor.ts';
