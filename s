npm warn Unknown user config "nodedir". This will stop working in the next major version of npm. See `npm help npmrc` for supported config options.

[1m[30m[46m RUN [49m[39m[22m [36mv4.1.12 [39m[90m/work/main[39m

 [32m✓[39m [30m[45m servers [49m[39m test/fault/lease-large-pipeline.test.ts [2m([22m[2m2 tests[22m[2m)[22m[33m 2342[2mms[22m[39m
 [32m✓[39m [30m[45m servers [49m[39m test/conformance/encoding.test.ts [2m([22m[2m29 tests[22m[2m)[22m[33m 1037[2mms[22m[39m
   [33m[2m✓[22m[39m B09 E05 a million keys are read in chunks, in order [33m 718[2mms[22m[39m
 [32m✓[39m [30m[45m servers [49m[39m test/conformance/api-on-every-topology.test.ts [2m([22m[2m16 tests[22m[2m)[22m[33m 420[2mms[22m[39m
 [32m✓[39m [30m[45m servers [49m[39m test/conformance/batch-set-options.test.ts [2m([22m[2m76 tests[22m[2m)[22m[33m 415[2mms[22m[39m
 [32m✓[39m [30m[45m servers [49m[39m test/conformance/batch-refused-calls.test.ts [2m([22m[2m207 tests[22m[2m)[22m[33m 419[2mms[22m[39m
 [31m❯[39m [30m[45m servers [49m[39m test/fault/loading.test.ts [2m([22m[2m8 tests[22m[2m | [22m[31m4 failed[39m[2m)[22m[33m 15097[2mms[22m[39m
[31m     [31m×[31m C05 a loading server is greeted once, and what was asked meanwhile succeeds when it is over[39m[33m 1879[2mms[22m[39m
[31m     [31m×[31m C05 a client whose server comes back loading reconnects once and stays on that connection[39m[33m 2053[2mms[22m[39m
     [33m[2m✓[22m[39m C05 a connection is leased from a loading server, and its commands say LOADING [33m 1960[2mms[22m[39m
     [33m[2m✓[22m[39m C05 attempts are counted: with none left, the caller is told LOADING and nothing is executed [33m 1775[2mms[22m[39m
[31m     [31m×[31m C05 a loading server is greeted once, and what was asked meanwhile succeeds when it is over[39m[33m 1822[2mms[22m[39m
[31m     [31m×[31m C05 a client whose server comes back loading reconnects once and stays on that connection[39m[33m 1863[2mms[22m[39m
     [33m[2m✓[22m[39m C05 a connection is leased from a loading server, and its commands say LOADING [33m 1835[2mms[22m[39m
     [33m[2m✓[22m[39m C05 attempts are counted: with none left, the caller is told LOADING and nothing is executed [33m 1756[2mms[22m[39m

[31m⎯⎯⎯⎯⎯⎯⎯[39m[1m[41m Failed Tests 4 [49m[22m[31m⎯⎯⎯⎯⎯⎯⎯[39m

[41m[1m FAIL [22m[49m [30m[45m servers [49m[39m test/fault/loading.test.ts[2m > [22mRESP2[2m > [22mC05 a loading server is greeted once, and what was asked meanwhile succeeds when it is over
[41m[1m FAIL [22m[49m [30m[45m servers [49m[39m test/fault/loading.test.ts[2m > [22mRESP2[2m > [22mC05 a client whose server comes back loading reconnects once and stays on that connection
[41m[1m FAIL [22m[49m [30m[45m servers [49m[39m test/fault/loading.test.ts[2m > [22mRESP3[2m > [22mC05 a loading server is greeted once, and what was asked meanwhile succeeds when it is over
[41m[1m FAIL [22m[49m [30m[45m servers [49m[39m test/fault/loading.test.ts[2m > [22mRESP3[2m > [22mC05 a client whose server comes back loading reconnects once and stays on that connection
[31m[1mReplyError[22m: LOADING Redis is loading the dataset in memory[39m
[31m[2m⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯[1/4]⎯[22m[39m


[2m Test Files [22m [1m[31m1 failed[39m[22m[2m | [22m[1m[32m5 passed[39m[22m[90m (6)[39m
[2m      Tests [22m [1m[31m4 failed[39m[22m[2m | [22m[1m[32m334 passed[39m[22m[90m (338)[39m
[2m   Start at [22m 22:39:26
[2m   Duration [22m 18.57s[2m (transform 1.26s, setup 77ms, import 2.23s, tests 19.73s, environment 0ms)[22m

