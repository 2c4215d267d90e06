// Imported before anything else: libuv reads its size once, when its pool is first used. Queries of the embedded engine
// occupy a thread each; with the default of four, files, DNS and compression would wait for them.
process.env['UV_THREADPOOL_SIZE'] ??= '16';
