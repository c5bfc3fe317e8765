// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ILedger} from "./ILedger.sol";

/// @title IStake
/// @notice What a provider loses when it provably lies. Slashed automatically for one objective fault, two signed
/// results that contradict each other; other faults only by judges that the staker itself admitted.
/// Being offline is never slashed.
///
/// A penalty is burned, except for REPORTER_PERCENT of it. That share is a claim which waits out `leaveDelay`, so that
/// slashing oneself is neither cheap nor a quicker way out than leave().
interface IStake {
    /// @notice One storage slot.
    /// @param amount everything that can be slashed, `leaving` included
    /// @param leaving part of it that unstake() may take out
    /// @param leaveAt when that matures; 0: nothing asked for. Void one WINDOW later.
    /// @param faults how often this staker was slashed
    struct Staker {
        uint96 amount;
        uint96 leaving;
        uint40 leaveAt;
        uint24 faults;
    }

    /// @notice A judge's power over one staker. One storage slot.
    /// @param limit total that it may ever slash
    /// @param slashed total that it has slashed
    /// @param until the last second of its power; 0: no end set
    struct Judge {
        uint96 limit;
        uint96 slashed;
        uint40 until;
    }

    /// @notice The part of a lease that is judged on chain; `terms` is the hash of everything else.
    /// @param penalty what the provider loses for contradicting itself in one attempt
    struct Lease {
        address renter;
        address provider;
        uint64 lane;
        uint40 start;
        uint40 end;
        uint96 penalty;
        uint8 rule;
        bytes32 terms;
    }

    /// @notice What a provider signs about one attempt.
    /// @param lease EIP-712 digest of the Lease under this contract's domain
    struct Result {
        bytes32 lease;
        uint64 task;
        uint32 attempt;
        bytes32 outputRoot;
        int32 exitCode;
    }

    /// @notice EIP-2098 compact signature.
    struct Sig {
        bytes32 r;
        bytes32 vs;
    }

    /// @notice Two results for one attempt under a lease that both sides signed.
    struct Equivocation {
        Lease lease;
        Sig byRenter;
        Sig byProvider;
        Result a;
        Sig sigA;
        Result b;
        Sig sigB;
    }

    event Staked(address indexed staker, uint96 amount);
    event Leaving(address indexed staker, uint96 amount, uint40 leaveAt);
    event Unstaked(address indexed staker, address indexed to, uint96 amount);
    event JudgeAdmitted(address indexed staker, address indexed judge, uint96 limit);
    event JudgeDismissed(address indexed staker, address indexed judge, uint40 until);
    event Slashed(
        address indexed staker,
        address indexed by,
        bytes32 indexed reason,
        uint96 burned,
        uint96 share,
        address reporter
    );
    event Equivocated(address indexed provider, bytes32 indexed lease, uint64 task, uint32 attempt);
    event ClaimOpened(address indexed reporter, uint40 claimableAt, uint96 amount);
    event Claimed(address indexed reporter, uint96 amount);

    error ZeroAddress();
    error DelayOutOfRange(uint40 delay, uint40 least, uint40 most);
    error FeeOnTransfer(uint256 expected, uint256 received);
    error InsufficientStake(address staker, uint256 amount, uint256 wanted);
    error NotUnstakable(address staker, uint40 from, uint40 to);
    error NotJudge(address staker, address judge, uint40 until);
    error JudgeLimitExceeded(address staker, address judge, uint256 left, uint256 wanted);
    error NothingToSlash(address staker);
    error WrongLease(bytes32 lease, bytes32 a, bytes32 b);
    error DifferentAttempts();
    error SameResult();
    error NoPenalty();
    error LeaseOutOfRange(uint40 start, uint40 end, uint40 longest);
    error LeaseTooOld(uint40 end, uint256 provableUntil);
    error NotSignedBy(address account, address recovered);
    error AlreadyProven(bytes32 lease, uint64 task, uint32 attempt);
    error NothingToClaim(address reporter, uint40 claimableAt);

    /// @notice The coin, the same as the ledger's.
    function token() external view returns (IERC20);

    /// @notice Says which keys speak for an account and where its money goes.
    function ledger() external view returns (ILedger);

    /// @notice Seconds between leave() and unstake(); also how long a claim waits and a dismissed judge stays.
    function leaveDelay() external view returns (uint40);

    /// @notice Seconds in which a mature unstake() may be executed; void afterwards.
    function WINDOW() external view returns (uint40);

    /// @notice The longest lease whose results can be judged, in seconds.
    function LONGEST_LEASE() external view returns (uint40);

    /// @notice Share of a penalty, in percent, that is not burned.
    function REPORTER_PERCENT() external view returns (uint256);

    /// @notice Where burned money goes; nobody has its key.
    function BURN() external view returns (address);

    function stakers(address staker)
        external
        view
        returns (uint96 amount, uint96 leaving, uint40 leaveAt, uint24 faults);

    function judges(address staker, address judge) external view returns (uint96 limit, uint96 slashed, uint40 until);

    /// @notice Claims by the second at which they mature: a separate one for each, so that nobody can push another's
    /// claim back by adding to it.
    function claims(address reporter, uint40 claimableAt) external view returns (uint96);

    /// @notice Whether the attempt keccak256(abi.encode(lease, task, attempt)) has been judged.
    function proven(bytes32 attempt) external view returns (bool);

    /// @notice The stake that stands behind `staker`'s word: all of it, without what is on its way out.
    function stakeOf(address staker) external view returns (uint96);

    function leaseDigest(Lease calldata lease) external view returns (bytes32);

    function resultDigest(Result calldata result) external view returns (bytes32);

    /// @notice Adds `amount` from the caller to the stake of `to`, for good: only `to` can take it out again.
    function stake(address to, uint96 amount) external;

    /// @notice stake() with the caller's EIP-2612 permit.
    function stakeWithPermit(address to, uint96 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;

    /// @notice The caller announces that it takes `amount` out, `leaveDelay` from now. Replaces an earlier
    /// announcement; 0 takes it back. What is leaving can still be slashed.
    function leave(uint96 amount) external;

    /// @notice Pays what the caller announced, as far as it was not slashed, to its payout address in the ledger.
    function unstake() external;

    /// @notice The caller gives `judge` the power to slash at most `limit` of its stake in total. At once; a lower limit
    /// than before is no lower, and a dismissal that is running is taken back.
    function admit(address judge, uint96 limit) external;

    /// @notice The caller takes a judge's power away, `leaveDelay` from now.
    function dismiss(address judge) external;

    /// @notice A judge slashes a staker that admitted it; takes what is there if that is less.
    /// @param reason what the judge calls it; goes into the event
    function slash(address staker, uint96 amount, address reporter, bytes32 reason) external;

    /// @notice Slashes the provider of a lease for two different results of one attempt. Once per attempt; takes the
    /// lease's penalty, or what is there if that is less. The lease must carry a signature of each side, by the account
    /// or by a session key of it that had not ended when the lease began; likewise the results by the provider.
    /// @param reporter gets the share. Whoever copies the call from the mempool can put another name here and be
    /// first; the penalty is the same.
    function proveEquivocation(Equivocation calldata proof, address reporter) external;

    /// @notice Pays the caller's claims that matured.
    function claim(uint40[] calldata claimableAt) external;
}
