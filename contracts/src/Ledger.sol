// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ILedger} from "./interfaces/ILedger.sol";
import {Digests} from "./libraries/Digests.sol";
import {Lanes, LaneWord} from "./libraries/Lanes.sol";

/// @title Ledger
/// @notice See ILedger for what each function promises and docs/spec/money.md for the reasons.
/// @dev The law of conservation, checked by the invariant tests:
/// token.balanceOf(this) = sum of deposit + earned over accounts + sum of cap - paid over lanes (+ donations).
contract Ledger is ILedger, EIP712, ReentrancyGuardTransient {
    using Lanes for Lane;
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    /// @inheritdoc ILedger
    uint40 public constant WINDOW = 1 days;
    uint40 private constant LEAST_DELAY = 1;
    uint40 private constant MOST_DELAY = 365 days;

    /// @inheritdoc ILedger
    IERC20 public immutable token;
    /// @inheritdoc ILedger
    uint40 public immutable delay;

    /// @inheritdoc ILedger
    mapping(address account => Account) public accounts;
    /// @inheritdoc ILedger
    mapping(address account => uint96) public exitAmount;
    /// @inheritdoc ILedger
    mapping(address renter => mapping(address provider => mapping(uint64 lane => Lane))) public lanes;
    /// @inheritdoc ILedger
    mapping(address account => mapping(address key => Signer)) public signers;
    /// @inheritdoc ILedger
    mapping(address account => Payout) public payouts;

    constructor(IERC20 token_, uint40 delay_) EIP712("artel Ledger", "1") {
        if (address(token_) == address(0)) revert ZeroAddress();
        if (delay_ < LEAST_DELAY || delay_ > MOST_DELAY) revert DelayOutOfRange(delay_, LEAST_DELAY, MOST_DELAY);
        token = token_;
        delay = delay_;
    }

    // ---- money in ----

    /// @inheritdoc ILedger
    function deposit(address to, uint96 amount) external nonReentrant {
        _deposit(to, amount);
    }

    /// @inheritdoc ILedger
    function depositWithPermit(address to, uint96 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
        nonReentrant
    {
        // Somebody may have taken the permit from the mempool and used it up: then the allowance is there already.
        try IERC20Permit(address(token)).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        _deposit(to, amount);
    }

    function _deposit(address to, uint96 amount) private {
        // Check
        if (to == address(0)) revert ZeroAddress();
        // Interaction first, because the effect depends on what arrived; nonReentrant stands at the door.
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != amount) revert FeeOnTransfer(amount, received);
        // Effect
        accounts[to].deposit += amount;
        emit Deposited(to, amount);
    }

    // ---- booking ----

    /// @inheritdoc ILedger
    function reserve(Res[] calldata list) external {
        mapping(address => mapping(uint64 => Lane)) storage mine = lanes[msg.sender];
        uint256 sum;
        for (uint256 i; i < list.length; ++i) {
            Res calldata x = list[i];
            (address provider, uint64 number, uint96 cap) = (x.provider, x.lane, x.cap);
            Lane storage slot = mine[provider][number];
            // As _raise, written out: this is what a renter does most, and each call costs.
            LaneWord lane = slot.load();
            uint256 had = lane.cap();
            if (cap <= had) continue;
            uint24 epoch = lane.epoch();
            if (epoch == type(uint24).max) revert LaneWornOut(msg.sender, provider, number);
            unchecked {
                slot.store(LaneWord.wrap(LaneWord.unwrap(lane) + cap - had)); // stays within the cap's bits
                sum += cap - had; // a batch has far fewer than 2^160 members
            }
            emit Reserved(msg.sender, provider, number, cap, epoch);
        }
        _book(msg.sender, sum);
    }

    /// @inheritdoc ILedger
    function reserveFor(SignedRes[] calldata list) external {
        bytes32 domain = _domainSeparatorV4();
        for (uint256 i; i < list.length; ++i) {
            SignedRes calldata x = list[i];
            Lane storage lane = lanes[x.renter][x.provider][x.lane];
            // Check: not expired, this epoch, signed by the renter or a key of it
            if (block.timestamp > x.validUntil) revert ReserveExpired(x.validUntil, block.timestamp);
            if (x.epoch != lane.epoch) revert WrongEpoch(x.renter, x.provider, x.lane, lane.epoch, x.epoch);
            bytes32 hash = Digests.reserve(x.renter, x.provider, x.lane, x.epoch, x.cap, x.validUntil);
            address key = Digests.signer(domain, hash, x.r, x.vs);
            // Effect
            uint256 added = _raise(lane, x.provider, x.lane, x.cap, x.renter);
            if (key != x.renter) {
                _checkKey(x.renter, key, x.lane);
                _spend(x.renter, key, added);
            }
            _book(x.renter, added);
        }
    }

    /// @dev Raises a cap; returns by how much. Leaves releaseAt alone: a raise must not stop a running release.
    function _raise(Lane storage slot, address provider, uint64 number, uint96 cap, address renter)
        private
        returns (uint256 added)
    {
        LaneWord lane = slot.load();
        added = lane.room(cap);
        if (added == 0) return 0;
        // The epoch cannot be raised any more, so a Reserve could never be made void again.
        if (lane.wornOut()) revert LaneWornOut(renter, provider, number);
        slot.store(lane.plusCap(added));
        emit Reserved(renter, provider, number, cap, lane.epoch());
    }

    /// @dev Takes what was booked out of the renter's deposit.
    function _book(address renter, uint256 sum) private {
        if (sum == 0) return;
        Account storage account = accounts[renter];
        uint96 have = account.deposit;
        if (sum > have) revert InsufficientDeposit(renter, have, sum);
        unchecked {
            account.deposit = uint96(have - sum);
        }
    }

    /// @dev Uses up a session key's allowance.
    function _spend(address account, address key, uint256 amount) private {
        Signer storage signer = signers[account][key];
        (uint96 allowance, uint96 booked) = (signer.allowance, signer.booked);
        uint256 left = allowance > booked ? allowance - booked : 0;
        if (amount > left) revert AllowanceExceeded(account, key, left, amount);
        unchecked {
            signer.booked = uint96(booked + amount);
        }
    }

    // ---- earning ----

    /// @inheritdoc ILedger
    function redeem(address provider, V[] calldata vouchers) external returns (uint256 sum) {
        bytes32 domain = _domainSeparatorV4();
        for (uint256 i; i < vouchers.length; ++i) {
            V calldata x = vouchers[i];
            Lane storage slot = lanes[x.renter][provider][x.lane];
            LaneWord lane = slot.load();
            (uint96 cap, uint96 before) = (lane.cap(), lane.paid());
            uint96 upTo = x.cumulative < cap ? x.cumulative : cap;
            if (upTo <= before) continue;
            // Check: signed by the renter or a key of it
            address key =
                Digests.signer(domain, Digests.voucher(x.renter, provider, x.lane, x.cumulative, x.memo), x.r, x.vs);
            if (key != x.renter) _checkKey(x.renter, key, x.lane);
            // Effect
            uint96 paid;
            unchecked {
                paid = upTo - before;
                sum += paid;
            }
            slot.store(lane.withPaid(upTo));
            emit Redeemed(x.renter, provider, x.lane, paid, x.cumulative, x.memo);
        }
        if (sum != 0) {
            Account storage account = accounts[provider];
            account.earned = (account.earned + sum).toUint96();
        }
    }

    /// @dev A session key speaks for its account until its time is up, and on its own lanes only.
    function _checkKey(address account, address key, uint64 number) private view {
        uint40 until = signers[account][key].until;
        if (block.timestamp > until) revert SignerNotValid(account, key, until);
        if (number >> 32 != uint32(uint160(key))) revert SignerNotOnLane(key, number);
    }

    /// @inheritdoc ILedger
    function withdrawEarned(uint96 amount) external nonReentrant {
        _withdraw(msg.sender, amount);
    }

    /// @inheritdoc ILedger
    function withdrawEarnedFor(address account) external nonReentrant {
        _withdraw(account, accounts[account].earned);
    }

    function _withdraw(address account, uint96 amount) private {
        // Check
        uint96 earned = accounts[account].earned;
        if (amount > earned) revert InsufficientEarned(account, earned, amount);
        // Effect
        unchecked {
            accounts[account].earned = earned - amount;
        }
        address to = payoutOf(account);
        emit EarnedWithdrawn(account, to, amount);
        // Interaction
        token.safeTransfer(to, amount);
    }

    /// @inheritdoc ILedger
    function setPayout(address to) external {
        Payout storage payout = payouts[msg.sender];
        address now_ = _payout(payout);
        uint40 changesAt = uint40(block.timestamp) + delay;
        payout.to = now_;
        payout.changesAt = changesAt;
        payout.next = to;
        emit PayoutSet(msg.sender, to, changesAt);
    }

    // ---- taking money back ----

    /// @inheritdoc ILedger
    function startRelease(LaneRef[] calldata list) external {
        uint40 due = uint40(block.timestamp) + delay;
        for (uint256 i; i < list.length; ++i) {
            lanes[msg.sender][list[i].party][list[i].lane].releaseAt = due;
            emit Releasing(msg.sender, list[i].party, list[i].lane, due);
        }
    }

    /// @inheritdoc ILedger
    function release(address renter, LaneRef[] calldata list) external {
        uint256 sum;
        for (uint256 i; i < list.length; ++i) {
            (address provider, uint64 number) = (list[i].party, list[i].lane);
            Lane storage slot = lanes[renter][provider][number];
            uint40 due = slot.releaseAt;
            if (!_executable(due)) revert NotReleasable(renter, provider, number, due, _end(due));
            (uint96 amount, uint24 epoch) = _empty(slot);
            sum += amount;
            emit Released(renter, provider, number, amount, epoch);
        }
        accounts[renter].deposit = (accounts[renter].deposit + sum).toUint96();
    }

    /// @inheritdoc ILedger
    function waive(LaneRef[] calldata list) external {
        for (uint256 i; i < list.length; ++i) {
            (address renter, uint64 number) = (list[i].party, list[i].lane);
            (uint96 amount, uint24 epoch) = _empty(lanes[renter][msg.sender][number]);
            accounts[renter].deposit += amount;
            emit Waived(renter, msg.sender, number, amount, epoch);
        }
    }

    /// @dev Lowers the cap to what was paid, ends a running release and makes the Reserves signed so far void. The last
    /// epoch stays: nothing can be booked in it, see _raise, but money always comes back.
    function _empty(Lane storage slot) private returns (uint96 amount, uint24 epoch) {
        LaneWord lane = slot.load();
        (uint96 paid, uint24 last) = (lane.paid(), lane.epoch());
        unchecked {
            amount = lane.cap() - paid; // paid never exceeds cap
            epoch = last == type(uint24).max ? last : last + 1;
        }
        slot.store(lane.withCap(paid).withReleaseAt(0).withEpoch(epoch));
    }

    /// @inheritdoc ILedger
    function requestExit(uint96 amount) external {
        uint40 due = amount == 0 ? 0 : uint40(block.timestamp) + delay;
        exitAmount[msg.sender] = amount;
        accounts[msg.sender].exitAt = due;
        emit ExitRequested(msg.sender, amount, due);
    }

    /// @inheritdoc ILedger
    function exit(address to) external nonReentrant {
        // Check
        if (to == address(0)) revert ZeroAddress();
        Account storage account = accounts[msg.sender];
        (uint96 have, uint40 due) = (account.deposit, account.exitAt);
        if (!_executable(due)) revert NotExitable(msg.sender, due, _end(due));
        uint96 amount = exitAmount[msg.sender];
        if (amount > have) amount = have;
        // Effect
        unchecked {
            account.deposit = have - amount;
        }
        account.exitAt = 0;
        exitAmount[msg.sender] = 0;
        emit Exited(msg.sender, to, amount);
        // Interaction
        token.safeTransfer(to, amount);
    }

    // ---- session keys ----

    /// @inheritdoc ILedger
    function setSigner(address key, uint96 allowance, uint40 until) external {
        if (key == address(0)) revert ZeroAddress();
        Signer storage signer = signers[msg.sender][key];
        uint40 soonest = uint40(block.timestamp) + delay;
        uint40 old = signer.until;
        if (soonest > old) soonest = old;
        if (until < soonest) until = soonest;
        signer.allowance = allowance;
        signer.until = until;
        emit SignerSet(msg.sender, key, allowance, until);
    }

    // ---- views ----

    /// @inheritdoc ILedger
    function laneStatus(address renter, address provider, uint64 lane) external view returns (LaneStatus) {
        Lane memory x = lanes[renter][provider][lane];
        if (_executable(x.releaseAt)) return LaneStatus.Releasable;
        if (block.timestamp < x.releaseAt) return LaneStatus.Releasing;
        return x.cap == 0 ? LaneStatus.Unused : LaneStatus.Open;
    }

    /// @inheritdoc ILedger
    function payoutOf(address account) public view returns (address to) {
        to = _payout(payouts[account]);
        if (to == address(0)) to = account;
    }

    /// @inheritdoc ILedger
    function signerUntil(address account, address key) external view returns (uint40) {
        return account == key ? type(uint40).max : signers[account][key].until;
    }

    /// @inheritdoc ILedger
    function isSigner(address account, address key) external view returns (bool) {
        return account == key || signers[account][key].until != 0;
    }

    /// @inheritdoc ILedger
    function voucherDigest(address renter, address provider, uint64 lane, uint96 cumulative, bytes32 memo)
        external
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(Digests.voucher(renter, provider, lane, cumulative, memo));
    }

    /// @inheritdoc ILedger
    function reserveDigest(address renter, address provider, uint64 lane, uint24 epoch, uint96 cap, uint40 validUntil)
        external
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(Digests.reserve(renter, provider, lane, epoch, cap, validUntil));
    }

    // ---- inside ----

    /// @dev Whether something that matures at `due` may be executed now.
    function _executable(uint40 due) private view returns (bool) {
        return due != 0 && block.timestamp >= due && block.timestamp <= _end(due);
    }

    /// @dev The last second at which something that matures at `due` may be executed.
    function _end(uint40 due) private pure returns (uint40) {
        return due == 0 ? 0 : due + WINDOW;
    }

    function _payout(Payout storage payout) private view returns (address) {
        uint40 due = payout.changesAt;
        return due != 0 && block.timestamp >= due ? payout.next : payout.to;
    }
}
