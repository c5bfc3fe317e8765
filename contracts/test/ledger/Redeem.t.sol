// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {ILedger} from "../../src/interfaces/ILedger.sol";
import {Base} from "../support/Base.sol";

contract RedeemTest is Base {
    address private constant VAULT = address(0x7A017);

    function setUp() public override {
        super.setUp();
        deposit(renter, 1000);
        reserve(renter, provider, LANE, 100);
    }

    function test_WhenWithinTheCap_ItCreditsTheProvider() external {
        ILedger.V memory v = voucher(RENTER, renter, provider, LANE, 40);
        vm.expectEmit(address(ledger));
        emit ILedger.Redeemed(renter, provider, LANE, 40, 40, MEMO);
        vm.prank(stranger);
        vm.assertEq(ledger.redeem(provider, one(v)), 40, "sum");
        vm.assertEq(earnedOf(provider), 40, "earned");
        vm.assertEq(laneOf(renter, provider, LANE).paid, 40, "paid");
        vm.assertEq(token.balanceOf(address(ledger)), 1000, "nothing left the ledger");
    }

    function test_WhenItExceedsTheCap_ItPaysUpToTheCapAndTheRestAfterARaise() external {
        ILedger.V[] memory list = one(voucher(RENTER, renter, provider, LANE, 150));
        vm.assertEq(ledger.redeem(provider, list), 100, "first");
        reserve(renter, provider, LANE, 120);
        vm.assertEq(ledger.redeem(provider, list), 20, "after a raise");
        reserve(renter, provider, LANE, 500);
        vm.assertEq(ledger.redeem(provider, list), 30, "not beyond the voucher");
        vm.assertEq(earnedOf(provider), 150, "earned");
    }

    function test_WhenRedeemedBefore_ItPaysNothing() external {
        ILedger.V[] memory list = new ILedger.V[](3);
        list[0] = voucher(RENTER, renter, provider, LANE, 40);
        list[1] = list[0];
        list[2] = voucher(RENTER, renter, provider, LANE, 39);
        vm.assertEq(ledger.redeem(provider, list), 40, "first");
        vm.assertEq(ledger.redeem(provider, list), 0, "again");
        vm.assertEq(earnedOf(provider), 40, "earned");
    }

    function test_WhenManyLanes_EachPaysFromItsOwn() external {
        deposit(renter2, 1000);
        reserve(renter2, provider, LANE, 70);
        reserve(renter, provider, LANE_2, 50);
        ILedger.V[] memory list = new ILedger.V[](3);
        list[0] = voucher(RENTER, renter, provider, LANE, 10);
        list[1] = voucher(RENTER_2, renter2, provider, LANE, 200);
        list[2] = voucher(RENTER, renter, provider, LANE_2, 50);
        vm.assertEq(ledger.redeem(provider, list), 10 + 70 + 50, "sum");
        vm.assertEq(laneOf(renter, provider, LANE).paid, 10, "lane 1");
        vm.assertEq(laneOf(renter2, provider, LANE).paid, 70, "another renter's");
        vm.assertEq(laneOf(renter, provider, LANE_2).paid, 50, "lane 2");
    }

    function test_RevertWhen_AFieldIsNotWhatWasSigned() external {
        deposit(renter2, 100);
        reserve(renter2, provider, LANE, 100);
        reserve(renter, provider, LANE_2, 100);
        for (uint256 i; i < 5; ++i) {
            ILedger.V memory v = voucher(RENTER, renter, provider, LANE, 40);
            if (i == 0) v.renter = renter2;
            if (i == 1) v.lane = LANE_2;
            if (i == 2) v.cumulative = 41;
            if (i == 3) v.memo = 0;
            if (i == 4) v.vs = bytes32(uint256(v.vs) ^ 1 << 255);
            vm.expectRevert(); // another key is recovered, or none
            ledger.redeem(provider, one(v));
        }
        vm.assertEq(earnedOf(provider), 0, "earned");
    }

    function test_RevertWhen_TheProviderIsAnother() external {
        reserve(renter, provider2, LANE, 100);
        ILedger.V[] memory list = one(voucher(RENTER, renter, provider, LANE, 40));
        vm.expectRevert();
        ledger.redeem(provider2, list);
    }

    function test_RevertWhen_TheChainIsAnother() external {
        ILedger.V[] memory list = one(voucher(RENTER, renter, provider, LANE, 40));
        vm.chainId(2);
        vm.expectRevert();
        ledger.redeem(provider, list);
    }

    function test_RevertWhen_SIsHigh() external {
        // s just above half the order; it still fits the 255 bits that EIP-2098 leaves.
        bytes32 high = bytes32(uint256(0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A1));
        ILedger.V memory v = voucher(RENTER, renter, provider, LANE, 40);
        v.vs = high;
        vm.expectRevert(abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureS.selector, high));
        ledger.redeem(provider, one(v));
    }

    function test_RevertWhen_TheRenterIsZero() external {
        // Nobody can book for the zero address, but even then a signature that recovers to it is refused.
        bytes32 slot = keccak256(abi.encode(provider, keccak256(abi.encode(address(0), uint256(4)))));
        vm.store(address(ledger), keccak256(abi.encode(LANE, slot)), bytes32(uint256(100)));
        vm.assertEq(laneOf(address(0), provider, LANE).cap, 100, "not the lane's slot");
        vm.expectRevert(ECDSA.ECDSAInvalidSignature.selector);
        ledger.redeem(provider, one(ILedger.V(address(0), LANE, 40, MEMO, 0, 0)));
    }

    function testFuzz_ItPaysTheHighestVoucherWithinTheCap(uint96 cap, uint96 first, uint96 second) external {
        cap = uint96(bound(cap, 100, 1000));
        (first, second) = (uint96(bound(first, 0, 1500)), uint96(bound(second, 0, 1500)));
        uint256 low = redeem(RENTER, renter, provider, LANE, first);
        vm.assertEq(low, first < 100 ? first : 100, "the first, at the first cap");
        reserve(renter, provider, LANE, cap);
        uint256 high = redeem(RENTER, renter, provider, LANE, second);
        uint256 best = second < cap ? second : cap;
        vm.assertEq(low + high, best > low ? best : low, "both");
        vm.assertEq(earnedOf(provider), low + high, "earned");
    }

    function testFuzz_NoSignatureIsMadeUp(bytes32 r, bytes32 vs) external {
        ILedger.V memory v = ILedger.V(renter, LANE, 40, MEMO, r, vs);
        try ledger.redeem(provider, one(v)) {} catch {}
        vm.assertEq(earnedOf(provider), 0, "earned");
    }

    // ---- session keys ----

    function test_GivenASessionKeyOnItsLaneAndInTime_ItPays() external {
        uint64 lane = laneOf(renterKey, 9);
        setSigner(renter, renterKey, 0, START + 100);
        reserve(renter, provider, lane, 100);
        pass(100);
        vm.assertEq(redeem(RENTER_KEY, renter, provider, lane, 30), 30, "by the key, in its last second");
        vm.assertEq(redeem(RENTER, renter, provider, lane, 50), 20, "by the account, on a lane of the key");
    }

    function test_RevertGiven_ItsTimeIsOver() external {
        uint64 lane = laneOf(renterKey, 9);
        setSigner(renter, renterKey, 0, START + 100);
        reserve(renter, provider, lane, 100);
        pass(101);
        ILedger.V[] memory list = one(voucher(RENTER_KEY, renter, provider, lane, 30));
        vm.expectRevert(abi.encodeWithSelector(ILedger.SignerNotValid.selector, renter, renterKey, START + 100));
        ledger.redeem(provider, list);
    }

    function test_RevertGiven_AnotherLaneOrAnotherAccount() external {
        uint64 lane = laneOf(renterKey, 9);
        setSigner(renter, renterKey, 0, START + 100);
        ILedger.V[] memory list = one(voucher(RENTER_KEY, renter, provider, LANE, 30));
        vm.expectRevert(abi.encodeWithSelector(ILedger.SignerNotOnLane.selector, renterKey, LANE));
        ledger.redeem(provider, list);

        deposit(renter2, 100);
        reserve(renter2, provider, lane, 100);
        list = one(voucher(RENTER_KEY, renter2, provider, lane, 30));
        vm.expectRevert(abi.encodeWithSelector(ILedger.SignerNotValid.selector, renter2, renterKey, 0));
        ledger.redeem(provider, list);
    }

    function test_GivenItWasRevoked_ItPaysForAnotherDelay() external {
        uint64 lane = laneOf(renterKey, 9);
        setSigner(renter, renterKey, 100, START + 30 days);
        reserve(renter, provider, lane, 100);
        ILedger.V[] memory list = one(voucher(RENTER_KEY, renter, provider, lane, 30));
        vm.expectEmit(address(ledger));
        emit ILedger.SignerSet(renter, renterKey, 0, START + DELAY);
        setSigner(renter, renterKey, 0, 0);
        pass(DELAY - 1);
        vm.assertEq(ledger.redeem(provider, list), 30, "within the delay");
        pass(2);
        list = one(voucher(RENTER_KEY, renter, provider, lane, 31));
        vm.expectRevert(abi.encodeWithSelector(ILedger.SignerNotValid.selector, renter, renterKey, START + DELAY));
        ledger.redeem(provider, list);
    }

    // ---- withdrawing ----

    function test_WhenWithdrawing_ItSendsToThePayoutAddress() external {
        redeem(RENTER, renter, provider, LANE, 60);
        uint256 before = token.balanceOf(provider);
        vm.expectEmit(address(ledger));
        emit ILedger.EarnedWithdrawn(provider, provider, 25);
        vm.prank(provider);
        ledger.withdrawEarned(25);
        vm.assertEq(token.balanceOf(provider) - before, 25, "provider");
        vm.assertEq(earnedOf(provider), 35, "left");
    }

    function test_RevertGiven_MoreThanWasEarned() external {
        redeem(RENTER, renter, provider, LANE, 60);
        vm.expectRevert(abi.encodeWithSelector(ILedger.InsufficientEarned.selector, provider, 60, 61));
        vm.prank(provider);
        ledger.withdrawEarned(61);
        vm.expectRevert(abi.encodeWithSelector(ILedger.InsufficientEarned.selector, stranger, 0, 1));
        vm.prank(stranger);
        ledger.withdrawEarned(1);
    }

    function test_GivenThePayoutAddressWasChanged_ItGoesToTheOldOneForTheDelay() external {
        redeem(RENTER, renter, provider, LANE, 60);
        vm.expectEmit(address(ledger));
        emit ILedger.PayoutSet(provider, VAULT, START + DELAY);
        vm.prank(provider);
        ledger.setPayout(VAULT);
        pass(DELAY - 1);
        vm.assertEq(ledger.payoutOf(provider), provider, "before");
        uint256 before = token.balanceOf(provider);
        vm.prank(stranger);
        ledger.withdrawEarnedFor(provider);
        vm.assertEq(token.balanceOf(provider) - before, 60, "anybody may flush to the old address");

        redeem(RENTER, renter, provider, LANE, 80);
        pass(1);
        vm.assertEq(ledger.payoutOf(provider), VAULT, "after");
        ledger.withdrawEarnedFor(provider);
        vm.assertEq(token.balanceOf(VAULT), 20, "vault");
    }

    function test_GivenAThiefChangesThePayoutAddressOverAndOver_TheOldOneStays() external {
        vm.prank(provider);
        ledger.setPayout(VAULT);
        pass(DELAY);
        for (uint256 i; i < 4; ++i) {
            vm.prank(provider);
            ledger.setPayout(stranger);
            pass(DELAY - 1);
            vm.assertEq(ledger.payoutOf(provider), VAULT, "payout");
        }
        vm.prank(provider);
        ledger.setPayout(address(0));
        pass(DELAY);
        vm.assertEq(ledger.payoutOf(provider), provider, "zero means the account");
    }
}
