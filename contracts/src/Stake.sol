// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ILedger} from "./interfaces/ILedger.sol";
import {IStake} from "./interfaces/IStake.sol";
import {Digests} from "./libraries/Digests.sol";

/// @title Stake
/// @notice See IStake for what each function promises and docs/spec/money.md for the reasons.
/// @dev The law of conservation, checked by the invariant tests:
/// token.balanceOf(this) = sum of stakers' amount + sum of claims (+ donations, + burns that the coin refused).
contract Stake is IStake, EIP712, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @inheritdoc IStake
    uint40 public constant WINDOW = 1 days;
    /// @inheritdoc IStake
    uint40 public constant LONGEST_LEASE = 366 days;
    /// @inheritdoc IStake
    uint256 public constant REPORTER_PERCENT = 5;
    /// @inheritdoc IStake
    address public constant BURN = 0x000000000000000000000000000000000000dEaD;
    uint40 private constant MOST_DELAY = 365 days;
    bytes32 private constant EQUIVOCATION = "equivocation";

    /// @inheritdoc IStake
    IERC20 public immutable token;
    /// @inheritdoc IStake
    ILedger public immutable ledger;
    /// @inheritdoc IStake
    uint40 public immutable leaveDelay;

    /// @inheritdoc IStake
    mapping(address staker => Staker) public stakers;
    /// @inheritdoc IStake
    mapping(address staker => mapping(address judge => Judge)) public judges;
    /// @inheritdoc IStake
    mapping(address reporter => mapping(uint40 claimableAt => uint96)) public claims;
    /// @inheritdoc IStake
    mapping(bytes32 attempt => bool) public proven;

    constructor(ILedger ledger_, uint40 leaveDelay_) EIP712("artel Stake", "1") {
        uint40 least = ledger_.delay();
        if (leaveDelay_ < least || leaveDelay_ > MOST_DELAY) revert DelayOutOfRange(leaveDelay_, least, MOST_DELAY);
        ledger = ledger_;
        token = ledger_.token();
        leaveDelay = leaveDelay_;
    }

    // ---- the staker ----

    /// @inheritdoc IStake
    function stake(address to, uint96 amount) external nonReentrant {
        _stake(to, amount);
    }

    /// @inheritdoc IStake
    function stakeWithPermit(address to, uint96 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
        nonReentrant
    {
        // Somebody may have taken the permit from the mempool and used it up: then the allowance is there already.
        try IERC20Permit(address(token)).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        _stake(to, amount);
    }

    function _stake(address to, uint96 amount) private {
        // Check
        if (to == address(0)) revert ZeroAddress();
        // Interaction first, because the effect depends on what arrived; nonReentrant stands at the door.
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != amount) revert FeeOnTransfer(amount, received);
        // Effect
        stakers[to].amount += amount;
        emit Staked(to, amount);
    }

    /// @inheritdoc IStake
    function leave(uint96 amount) external {
        Staker storage staker = stakers[msg.sender];
        if (amount > staker.amount) revert InsufficientStake(msg.sender, staker.amount, amount);
        uint40 due = amount == 0 ? 0 : uint40(block.timestamp) + leaveDelay;
        staker.leaving = amount;
        staker.leaveAt = due;
        emit Leaving(msg.sender, amount, due);
    }

    /// @inheritdoc IStake
    function unstake() external nonReentrant {
        // Check
        Staker storage staker = stakers[msg.sender];
        (uint96 amount, uint40 due) = (staker.leaving, staker.leaveAt);
        uint40 end = due == 0 ? 0 : due + WINDOW;
        if (due == 0 || block.timestamp < due || block.timestamp > end) revert NotUnstakable(msg.sender, due, end);
        // Effect
        staker.amount -= amount; // leaving never exceeds amount
        staker.leaving = 0;
        staker.leaveAt = 0;
        address to = ledger.payoutOf(msg.sender);
        emit Unstaked(msg.sender, to, amount);
        // Interaction
        token.safeTransfer(to, amount);
    }

    // ---- judges ----

    /// @inheritdoc IStake
    function admit(address judge, uint96 limit) external {
        if (judge == address(0)) revert ZeroAddress();
        Judge storage j = judges[msg.sender][judge];
        if (limit < j.limit) limit = j.limit;
        j.limit = limit;
        j.until = 0;
        emit JudgeAdmitted(msg.sender, judge, limit);
    }

    /// @inheritdoc IStake
    function dismiss(address judge) external {
        Judge storage j = judges[msg.sender][judge];
        if (j.limit == 0 || j.until != 0) revert NotJudge(msg.sender, judge, j.until);
        j.until = uint40(block.timestamp) + leaveDelay;
        emit JudgeDismissed(msg.sender, judge, j.until);
    }

    /// @inheritdoc IStake
    function slash(address staker, uint96 amount, address reporter, bytes32 reason) external nonReentrant {
        // Check
        Judge storage j = judges[staker][msg.sender];
        (uint96 limit, uint96 slashed, uint40 until) = (j.limit, j.slashed, j.until);
        if (limit == 0 || (until != 0 && block.timestamp > until)) revert NotJudge(staker, msg.sender, until);
        uint96 left = limit - slashed; // slashed never exceeds limit
        if (amount > left) revert JudgeLimitExceeded(staker, msg.sender, left, amount);
        // Effect
        uint96 have = stakers[staker].amount;
        if (amount > have) amount = have;
        j.slashed = slashed + amount;
        // Effect, interaction
        _slash(staker, amount, reporter, reason);
    }

    // ---- equivocation ----

    /// @inheritdoc IStake
    function proveEquivocation(Equivocation calldata proof, address reporter) external nonReentrant {
        Lease calldata lease = proof.lease;
        (Result calldata a, Result calldata b) = (proof.a, proof.b);
        bytes32 domain = _domainSeparatorV4();
        bytes32 leaseHash = Digests.lease(lease);
        bytes32 id = _hashTypedDataV4(leaseHash);

        // Check: one attempt of this lease, two answers
        if (a.lease != id || b.lease != id) revert WrongLease(id, a.lease, b.lease);
        if (a.task != b.task || a.attempt != b.attempt) revert DifferentAttempts();
        if (a.outputRoot == b.outputRoot && a.exitCode == b.exitCode) revert SameResult();

        // Check: a lease that is judged here, and still
        if (lease.penalty == 0) revert NoPenalty();
        if (lease.end < lease.start || lease.end - lease.start > LONGEST_LEASE) {
            revert LeaseOutOfRange(lease.start, lease.end, LONGEST_LEASE);
        }
        uint256 provableUntil = uint256(lease.end) + leaveDelay;
        if (block.timestamp > provableUntil) revert LeaseTooOld(lease.end, provableUntil);

        // Check: once
        bytes32 attempt = keccak256(abi.encode(id, a.task, a.attempt));
        if (proven[attempt]) revert AlreadyProven(id, a.task, a.attempt);

        // Check: the lease by both sides, so that nobody invents one for another; the results by the provider
        _checkSigned(lease.renter, lease.start, domain, leaseHash, proof.byRenter);
        _checkSigned(lease.provider, lease.start, domain, leaseHash, proof.byProvider);
        _checkSigned(lease.provider, lease.start, domain, Digests.result(a), proof.sigA);
        _checkSigned(lease.provider, lease.start, domain, Digests.result(b), proof.sigB);

        // Effect, interaction
        proven[attempt] = true;
        emit Equivocated(lease.provider, id, a.task, a.attempt);
        _slash(lease.provider, lease.penalty, reporter, EQUIVOCATION);
    }

    /// @dev Signed by the account, or by a key of it that had not ended at `time`. A key that ended later still counts:
    /// nobody escapes by revoking the key it lied with, because the ledger never lets an end move back by more than to
    /// `delay` from now.
    function _checkSigned(address account, uint40 time, bytes32 domain, bytes32 structHash, Sig calldata sig)
        private
        view
    {
        address key = Digests.signer(domain, structHash, sig.r, sig.vs);
        if (key == account) return;
        if (!ledger.isSigner(account, key) || ledger.signerUntil(account, key) < time) {
            revert NotSignedBy(account, key);
        }
    }

    /// @dev Takes at most `amount`; burns it but for the reporter's share, which becomes a claim.
    function _slash(address who, uint96 amount, address reporter, bytes32 reason) private {
        // Check
        if (reporter == address(0)) revert ZeroAddress();
        Staker storage staker = stakers[who];
        uint96 have = staker.amount;
        uint96 taken = amount < have ? amount : have;
        if (taken == 0) revert NothingToSlash(who);
        // Effect
        uint96 rest = have - taken;
        staker.amount = rest;
        if (staker.leaving > rest) staker.leaving = rest;
        if (staker.faults != type(uint24).max) ++staker.faults;
        uint96 share = uint96(uint256(taken) * REPORTER_PERCENT / 100); // rounded down, so at least 95 % burns
        uint96 burned = taken - share;
        emit Slashed(who, msg.sender, reason, burned, share, reporter);
        if (share != 0) {
            uint40 due = uint40(block.timestamp) + leaveDelay;
            claims[reporter][due] += share;
            emit ClaimOpened(reporter, due, share);
        }
        // Interaction. A coin that refuses this address must not save a cheat: what cannot be sent stays here and belongs
        // to nobody, which is as good as burned.
        token.trySafeTransfer(BURN, burned);
    }

    // ---- reporters ----

    /// @inheritdoc IStake
    function claim(uint40[] calldata claimableAt) external nonReentrant {
        uint96 sum;
        for (uint256 i; i < claimableAt.length; ++i) {
            uint40 due = claimableAt[i];
            uint96 amount = claims[msg.sender][due];
            if (amount == 0 || block.timestamp < due) revert NothingToClaim(msg.sender, due);
            claims[msg.sender][due] = 0;
            sum += amount;
        }
        emit Claimed(msg.sender, sum);
        token.safeTransfer(msg.sender, sum);
    }

    // ---- views ----

    /// @inheritdoc IStake
    function stakeOf(address staker) external view returns (uint96) {
        Staker memory s = stakers[staker];
        bool running = s.leaveAt != 0 && block.timestamp <= uint256(s.leaveAt) + WINDOW;
        return running ? s.amount - s.leaving : s.amount;
    }

    /// @inheritdoc IStake
    function leaseDigest(Lease calldata lease) external view returns (bytes32) {
        return _hashTypedDataV4(Digests.lease(lease));
    }

    /// @inheritdoc IStake
    function resultDigest(Result calldata result) external view returns (bytes32) {
        return _hashTypedDataV4(Digests.result(result));
    }
}
