// SPDX-License-Identifier: GPL-2.0-or-later
/// What is read by READ_ONCE(), because its lock is not held there, is written
/// by WRITE_ONCE().  Not if it is written by way of a pointer to a pointer: an
/// object that nobody else has yet.
// Run by scripts/check, which joins all sources into one file first.

@net_read@
struct ip_vs_est_net *E;
identifier f;
@@
READ_ONCE(E->f)

@net_written@
idexpression struct ip_vs_est_net *E;
identifier net_read.f;
expression V;
@@
* E->f = V

@row_read@
struct ip_vs_est_row *E;
identifier f;
@@
(
READ_ONCE(E->f)
|
READ_ONCE(E->f[...])
)

@row_written@
idexpression struct ip_vs_est_row *E;
identifier row_read.f;
expression V;
@@
(
* E->f = V
|
* E->f[...] = V
)

@estimator_read@
struct ip_vs_estimator E;
identifier f;
@@
READ_ONCE(E.f)

@estimator_written@
idexpression struct ip_vs_estimator *P;
struct ip_vs_estimator E;
identifier estimator_read.f;
expression V;
@@
(
* P->f = V
|
* E.f = V
)
